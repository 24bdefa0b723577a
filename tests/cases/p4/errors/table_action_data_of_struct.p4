// error: 6: which the control plane cannot write
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(pair_t p) {}
    table t { actions = { a; } }
    apply { t.apply(); }
}

#include "shared/main.p4"
