// error: 7: index -1 is outside
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.labels[-1].setValid();
    }
}

#include "shared/main.p4"
