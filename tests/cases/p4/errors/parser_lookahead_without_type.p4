// error: 6: needs its type in angle brackets
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        meta.x = pkt.lookahead();
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
