// error: 7: a control cannot be instantiated in a parser
#include "shared/types.p4"
#include "shared/parser.p4"

control Inner() { apply {} }
parser P2(packet_in pkt) {
    Inner() c;
    state start { transition accept; }
}
#include "shared/ingress.p4"

#include "shared/main.p4"
