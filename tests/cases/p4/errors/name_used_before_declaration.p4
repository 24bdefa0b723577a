// error: 6: 'b' is not declared yet
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() { b(); }
    action b() {}
    apply { a(); }
}

#include "shared/main.p4"
