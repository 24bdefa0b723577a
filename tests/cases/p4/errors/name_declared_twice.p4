// error: 8: 'v' is declared twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        bit<8> v = 1;
        bit<16> v = 2;
    }
}

#include "shared/main.p4"
