// error: 7: expected pair_t, got eth_t
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = hdr.eth;
    }
}

#include "shared/main.p4"
