// error: 7: a slice of 9 bits is not within bit<8>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.x[meta.x +: 9];
    }
}

#include "shared/main.p4"
