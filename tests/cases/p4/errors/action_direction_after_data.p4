// error: 6: those without direction come last
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(bit<8> v, inout bit<8> w) { w = v; }
    apply {}
}

#include "shared/main.p4"
