// error: 7: 'push_front' takes one argument
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.labels.push_front();
    }
}

#include "shared/main.p4"
