// error: 7: an operand of '++' needs a width
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.y = meta.x ++ 1;
    }
}

#include "shared/main.p4"
