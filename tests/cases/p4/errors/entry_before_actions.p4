// error: 9: 'entries' must come after the keys and the actions
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : exact; }
        const entries = {
            1 : NoAction();
        }
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
