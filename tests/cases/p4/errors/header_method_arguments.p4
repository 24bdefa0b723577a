// error: 7: 'setValid' takes no arguments
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.eth.setValid(true);
    }
}

#include "shared/main.p4"
