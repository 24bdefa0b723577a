// error: 9: table 't' cannot be applied in an action
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action b() {}
    table t { actions = { b; } }
    action a() {
        t.apply();
    }
    apply { a(); }
}

#include "shared/main.p4"
