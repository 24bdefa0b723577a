// error: 8: 1 arguments are given, 0 can be
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v) {}
    table t {
        actions = { a(3); }
    }
    apply {}
}

#include "shared/main.p4"
