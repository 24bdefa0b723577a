// error: 10: is not a prefix
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : lpm; }
        actions = { NoAction; }
        const entries = {
            1 &&& 0x0f : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
