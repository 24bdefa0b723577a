// error: 7: bit<16> has no method 'setValid'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.y.setValid();
    }
}

#include "shared/main.p4"
