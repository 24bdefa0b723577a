// error: 7: '/' is not defined for signed values
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.s = meta.s / 2;
    }
}

#include "shared/main.p4"
