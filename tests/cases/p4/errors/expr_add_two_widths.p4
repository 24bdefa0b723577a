// error: 7: '+' needs operands of one type, not bit<8> and bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.y = meta.x + meta.y;
    }
}

#include "shared/main.p4"
