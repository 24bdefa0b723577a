// error: 7: no form of it takes these 2 arguments
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        mark_to_drop(sm, sm);
    }
}

#include "shared/main.p4"
