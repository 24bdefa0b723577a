// error: 8: variable 'v' cannot be called
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        bit<8> v = 1;
        meta.x = v();
    }
}

#include "shared/main.p4"
