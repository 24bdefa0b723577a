// error: 10: range 9 .. 3 is empty
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x : range; }
        actions = { NoAction; }
        const entries = {
            9 .. 3 : NoAction();
        }
    }
    apply {}
}

#include "shared/main.p4"
