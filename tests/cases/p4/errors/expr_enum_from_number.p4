// error: 7: expected EtherType, got int
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.kind = 5;
    }
}

#include "shared/main.p4"
