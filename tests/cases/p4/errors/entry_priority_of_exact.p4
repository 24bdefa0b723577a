// error: 10: entries have priorities only when
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        entries = {
            priority = 3 : 1 : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
