// error: 8: 'apply' takes no arguments
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t { actions = { NoAction; } }
    apply {
        t.apply(3);
    }
}

#include "shared/main.p4"
