// error: 7: bit<16> cannot be cast to int<8>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.s = (int<8>)meta.y;
    }
}

#include "shared/main.p4"
