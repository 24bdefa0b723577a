// error: 7: the left side of '<<' needs a width
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = 1 << meta.x;
    }
}

#include "shared/main.p4"
