// error: 9: must be above 0
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : ternary; }
        actions = { NoAction; }
        priority_delta = 0;
    }
    apply {}
}

#include "shared/main.p4"
