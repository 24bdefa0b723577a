// error: 7: 'v' is read-only
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v) {
        v = 1;
    }
    apply { a(1); }
}

#include "shared/main.p4"
