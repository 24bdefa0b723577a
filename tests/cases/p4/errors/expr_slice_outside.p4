// error: 7: slice [16:16] is outside of bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x[0:0] = meta.y[16:16];
    }
}

#include "shared/main.p4"
