// error: 7: expected Port, got int
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.port = 5;
    }
}

#include "shared/main.p4"
