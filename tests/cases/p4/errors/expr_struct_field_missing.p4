// error: 7: no value for 'b' of pair_t
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = { a = 1 };
    }
}

#include "shared/main.p4"
