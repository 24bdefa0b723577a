// error: 7: pair_t has no field 'c'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = { a = 1, c = 2 };
    }
}

#include "shared/main.p4"
