// error: 7: 'v' is not an action
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    bit<8> v;
    table t { actions = { v; } }
    apply {}
}

#include "shared/main.p4"
