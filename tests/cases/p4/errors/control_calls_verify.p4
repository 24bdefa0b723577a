// error: 7: 'verify' can only be called in a parser
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        verify(meta.flag, error.NoMatch);
    }
}

#include "shared/main.p4"
