// error: 7: 
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = 1 .. 3;
    }
}

#include "shared/main.p4"
