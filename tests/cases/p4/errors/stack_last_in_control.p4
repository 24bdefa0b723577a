// error: 7: 'last' of a stack can only be used in a parser
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = hdr.labels.last.ttl;
    }
}

#include "shared/main.p4"
