// error: 7: the condition of '?:'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.x ? 8w1 : 8w2;
    }
}

#include "shared/main.p4"
