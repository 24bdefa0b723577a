// error: 10: @priority takes an integer
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : ternary; }
        actions = { NoAction; }
        const entries = {
            1 &&& 3 : NoAction() @priority("first");
        }
    }
    apply {}
}

#include "shared/main.p4"
