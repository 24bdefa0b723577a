// error: 7: error has no member 'Nothing'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        error e = error.Nothing;
    }
}

#include "shared/main.p4"
