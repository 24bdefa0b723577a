// error: 7: cannot be cast to Color
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.color = (Color)8w1;
    }
}

#include "shared/main.p4"
