// error: 7: 'for' goes over a range, a stack or a list
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        for (bit<8> i in meta.x) {}
    }
}

#include "shared/main.p4"
