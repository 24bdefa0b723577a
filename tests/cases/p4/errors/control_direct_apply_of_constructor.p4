// error: 8: has constructor parameters
#include "shared/types.p4"
#include "shared/parser.p4"

control Inner(inout bit<8> v)(bit<8> k) { apply { v = k; } }
control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        Inner.apply(meta.x);
    }
}

#include "shared/main.p4"
