// error: 7: bit<8> cannot be cast to bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.flag = (bool)meta.x;
    }
}

#include "shared/main.p4"
