// error: 7: cannot be negative
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.labels.push_front(-1);
    }
}

#include "shared/main.p4"
