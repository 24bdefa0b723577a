// error: 7: Color has no member 'BLUE'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.color = Color.BLUE;
    }
}

#include "shared/main.p4"
