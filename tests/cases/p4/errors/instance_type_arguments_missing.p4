// error: 6: needs its type arguments in angle brackets
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    register(8) r;
    apply {}
}

#include "shared/main.p4"
