// error: 6: has entries but no key
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        actions = { NoAction; }
        const entries = { 1 : NoAction(); }
    }
    apply {}
}

#include "shared/main.p4"
