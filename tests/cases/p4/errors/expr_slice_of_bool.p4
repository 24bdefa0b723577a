// error: 7: bool cannot be sliced
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x[0:0] = meta.flag[0:0];
    }
}

#include "shared/main.p4"
