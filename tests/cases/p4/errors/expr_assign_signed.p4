// error: 7: expected int<8>, got bit<8>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.s = meta.x;
    }
}

#include "shared/main.p4"
