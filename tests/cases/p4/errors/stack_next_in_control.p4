// error: 7: 'next' of a stack can only be used in a parser
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.labels.next.setValid();
    }
}

#include "shared/main.p4"
