// error: 7: 'minSizeInBits' takes no arguments
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = (bit<8>)hdr.eth.minSizeInBits(3);
    }
}

#include "shared/main.p4"
