// error: 7: name 'v' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        bit<8> v = v + 1;
    }
}

#include "shared/main.p4"
