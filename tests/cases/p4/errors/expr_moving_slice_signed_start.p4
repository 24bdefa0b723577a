// error: 7: the start of a slice must be unsigned
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x[3:0] = meta.x[meta.s +: 4];
    }
}

#include "shared/main.p4"
