// error: 7: eth_t has no method 'setvalid'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.eth.setvalid();
    }
}

#include "shared/main.p4"
