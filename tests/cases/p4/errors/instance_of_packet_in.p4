// error: 6: has no constructor
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    packet_in() p;
    apply {}
}

#include "shared/main.p4"
