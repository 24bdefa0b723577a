// error: 8: action 'a' cannot be called from a parser
#include "shared/types.p4"
#include "shared/parser.p4"

action a() {}
parser P2(packet_in pkt) {
    state start {
        a();
        transition accept;
    }
}
#include "shared/ingress.p4"

#include "shared/main.p4"
