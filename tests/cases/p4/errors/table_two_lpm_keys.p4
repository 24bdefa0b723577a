// error: 9: only one lpm key
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = {
            meta.x : lpm;
            meta.y : lpm;
        }
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
