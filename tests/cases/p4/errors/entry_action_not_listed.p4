// error: 11: 'a' is not in the table's list of actions
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        const entries = {
            1 : a();
        }
    }
    apply {}
}

#include "shared/main.p4"
