// error: 7: type pair_t has no constructor
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        pair_t(3);
    }
}

#include "shared/main.p4"
