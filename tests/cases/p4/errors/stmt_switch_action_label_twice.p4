// error: 11: label 'a' appears twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table t { actions = { a; } }
    apply {
        switch (t.apply().action_run) {
            a: {}
            a: {}
        }
    }
}

#include "shared/main.p4"
