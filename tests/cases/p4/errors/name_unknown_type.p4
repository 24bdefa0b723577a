// error: 7: type 'unknown_t' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        unknown_t v;
    }
}

#include "shared/main.p4"
