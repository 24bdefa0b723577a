// error: 7: 'default_action' must come after the actions
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        default_action = NoAction();
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
