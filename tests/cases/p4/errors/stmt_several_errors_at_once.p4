// error: 9: expected bit<8>, got bit<16>
// error: 10: expected bool, got int
// error: 11: eth_t has no field 'kind'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.y;
        meta.flag = 2;
        hdr.eth.kind = 1;
    }
}

#include "shared/main.p4"
