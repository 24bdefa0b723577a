// error: 7: the condition of 'for'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        for (bit<8> i = 0; i; i = i + 1) {}
    }
}

#include "shared/main.p4"
