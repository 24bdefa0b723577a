// error: 7: got a list with field names
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.two = { a = 1, b = 2 };
    }
}

#include "shared/main.p4"
