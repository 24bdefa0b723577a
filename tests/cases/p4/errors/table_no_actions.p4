// error: 6: table 't' has no property 'actions'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t { key = { meta.x : exact; } }
    apply {}
}

#include "shared/main.p4"
