// error: 7: field 'a' is given twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = { a = 1, a = 2 };
    }
}

#include "shared/main.p4"
