// error: 8: 
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        const bit<8> k = 1;
        for (k in 1 .. 2) {}
    }
}

#include "shared/main.p4"
