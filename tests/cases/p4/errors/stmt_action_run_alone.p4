// error: 9: 'action_run' can only be the expression of a switch
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table t { actions = { a; } }
    apply {
        meta.flag = t.apply().action_run;
    }
}

#include "shared/main.p4"
