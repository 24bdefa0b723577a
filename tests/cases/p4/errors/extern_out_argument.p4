// error: 8: expected bit<8>, got bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    register<bit<8>>(8) r;
    apply {
        r.read(meta.y, 0);
    }
}

#include "shared/main.p4"
