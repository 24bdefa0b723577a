// error: 7: an index must be an integer, not bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.labels[meta.flag].setValid();
    }
}

#include "shared/main.p4"
