// error: 10: a label must be an action of table 't'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table t { actions = { a; } }
    apply {
        switch (t.apply().action_run) {
            1: {}
        }
    }
}

#include "shared/main.p4"
