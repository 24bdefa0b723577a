// error: 7: bool cannot be cast to bit<8>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = (bit<8>)meta.flag;
    }
}

#include "shared/main.p4"
