// error: 7: 'a' is declared twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    table a { actions = { a; } }
    apply {}
}

#include "shared/main.p4"
