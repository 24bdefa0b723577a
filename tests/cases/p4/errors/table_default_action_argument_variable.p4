// error: 9: argument 'v' must be a constant
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v) {}
    table t {
        actions = { a; }
        default_action = a(meta.x);
    }
    apply {}
}

#include "shared/main.p4"
