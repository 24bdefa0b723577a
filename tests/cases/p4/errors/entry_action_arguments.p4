// error: 11: 2 arguments are given, it takes 1
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v) {}
    table t {
        key = { meta.x : exact; }
        actions = { a; }
        const entries = {
            1 : a(1, 2);
        }
    }
    apply {}
}

#include "shared/main.p4"
