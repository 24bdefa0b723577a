// error: 10: an entry has 2 key sets, the table has 1
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        const entries = {
            (1, 2) : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
