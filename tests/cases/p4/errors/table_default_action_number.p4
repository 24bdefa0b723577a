// error: 8: an action is expected
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        actions = { NoAction; }
        default_action = 3;
    }
    apply {}
}

#include "shared/main.p4"
