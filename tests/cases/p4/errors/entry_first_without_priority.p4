// error: 10: the first entry must have a priority
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : ternary; }
        actions = { NoAction; }
        entries = {
            1 &&& 3 : NoAction();
            priority = 3 : 2 &&& 3 : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
