// error: 7: type pair_t has no member 'a'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = pair_t.a;
    }
}

#include "shared/main.p4"
