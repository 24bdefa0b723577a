// error: 7: cannot be of type pair_t
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (meta.pair) {
            default: {}
        }
    }
}

#include "shared/main.p4"
