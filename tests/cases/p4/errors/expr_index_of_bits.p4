// error: 7: bit<16> cannot be indexed
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.y[3];
    }
}

#include "shared/main.p4"
