// error: 7: '==' needs operands of one type
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        if (meta.color == EtherType.IPV4) {}
    }
}

#include "shared/main.p4"
