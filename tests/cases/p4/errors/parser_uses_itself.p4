// error: 5: parser 'P2' uses itself
#include "shared/types.p4"

parser P2(packet_in pkt) {
    P2() inner;
    state start { transition accept; }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
