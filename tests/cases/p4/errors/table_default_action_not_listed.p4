// error: 10: 'b' is not in the table's list of actions
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    action b() {}
    table t {
        actions = { a; }
        default_action = b();
    }
    apply {}
}

#include "shared/main.p4"
