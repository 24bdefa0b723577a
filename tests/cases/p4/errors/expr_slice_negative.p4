// error: 7: the lower end is below 0
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.y[7:-1];
    }
}

#include "shared/main.p4"
