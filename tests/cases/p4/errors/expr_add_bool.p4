// error: 7: '+' needs bit or int operands, not bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.x + meta.flag;
    }
}

#include "shared/main.p4"
