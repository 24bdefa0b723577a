// error: 7: action 'a' is listed twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table t { actions = { a; a; } }
    apply {}
}

#include "shared/main.p4"
