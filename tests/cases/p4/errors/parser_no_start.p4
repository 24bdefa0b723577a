// error: 4: parser 'P2' has no state 'start'
#include "shared/types.p4"

parser P2(packet_in pkt) {
    state begin { transition accept; }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
