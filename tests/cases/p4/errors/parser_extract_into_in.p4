// error: 6: 'hdr' is read-only
#include "shared/types.p4"

parser P2(packet_in pkt, in headers_t hdr) {
    state start {
        pkt.extract(hdr.eth);
        transition accept;
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
