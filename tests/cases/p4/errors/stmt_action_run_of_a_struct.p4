// error: 7: 'action_run' is only known of 'table.apply()'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (meta.pair.action_run) {
            default: {}
        }
    }
}

#include "shared/main.p4"
