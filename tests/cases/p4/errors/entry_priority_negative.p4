// error: 12: entry 3 has priority -1
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : ternary; }
        actions = { NoAction; }
        entries = {
            priority = 1 : 1 &&& 3 : NoAction();
            2 &&& 3 : NoAction();
            3 &&& 3 : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
