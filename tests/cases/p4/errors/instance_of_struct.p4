// error: 6: pair_t cannot be instantiated
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    pair_t(1, 2) p;
    apply {}
}

#include "shared/main.p4"
