// error: 6: action 'missing' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t { actions = { missing; } }
    apply {}
}

#include "shared/main.p4"
