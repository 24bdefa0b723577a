// error: 7: 'e' is of type eth_t, the elements are label_t
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        for (eth_t e in hdr.labels) {}
    }
}

#include "shared/main.p4"
