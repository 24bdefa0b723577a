// error: 9: 'default' must be the last label
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (meta.x) {
            default: {}
            1: {}
        }
    }
}

#include "shared/main.p4"
