// error: 7: eth_t has no method 'push_front'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.eth.push_front(1);
    }
}

#include "shared/main.p4"
