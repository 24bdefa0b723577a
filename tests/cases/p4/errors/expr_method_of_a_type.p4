// error: 7: type eth_t has no method 'isValid'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.flag = eth_t.isValid();
    }
}

#include "shared/main.p4"
