// error: 10: a mask does not fit match kind 'exact'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        const entries = {
            1 &&& 3 : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
