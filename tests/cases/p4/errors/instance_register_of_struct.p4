// error: 6: it can only be of bit, int, bool or enum
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    register<pair_t>(8) r;
    apply {}
}

#include "shared/main.p4"
