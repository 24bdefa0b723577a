// error: 7: pair_t has 2 members, the list has 1
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = { 1 };
    }
}

#include "shared/main.p4"
