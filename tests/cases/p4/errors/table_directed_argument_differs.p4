// error: 9: differs from that in the list of actions
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(inout bit<8> w, bit<8> v) { w = v; }
    table t {
        actions = { a(meta.x); }
        default_action = a(meta.pair.a, 3);
    }
    apply {}
}

#include "shared/main.p4"
