// error: 7: field b of pair_t: expected bit<16>, got bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = { 1, meta.flag };
    }
}

#include "shared/main.p4"
