// error: 7: the value of constant 'k' is not a constant
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        const bit<8> k = meta.x;
    }
}

#include "shared/main.p4"
