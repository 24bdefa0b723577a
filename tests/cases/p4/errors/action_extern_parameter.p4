// error: 6: cannot be of type extern packet_out
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a(packet_out p) {}
    apply {}
}

#include "shared/main.p4"
