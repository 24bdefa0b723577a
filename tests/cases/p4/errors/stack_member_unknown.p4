// error: 7: has no member 'length'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = hdr.labels.length;
    }
}

#include "shared/main.p4"
