// error: 8: no argument for 'v'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v) {}
    apply {
        a();
    }
}

#include "shared/main.p4"
