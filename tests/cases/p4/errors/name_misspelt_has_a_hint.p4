// error: 8: did you mean 'counter_value'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        bit<8> counter_value = 1;
        meta.x = counter_valu;
    }
}

#include "shared/main.p4"
