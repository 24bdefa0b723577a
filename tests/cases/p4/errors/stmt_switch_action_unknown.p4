// error: 11: 'b' is not an action of table 't'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    action b() {}
    table t { actions = { a; } }
    apply {
        switch (t.apply().action_run) {
            b: {}
        }
    }
}

#include "shared/main.p4"
