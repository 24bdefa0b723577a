// error: 8: control 'Inner' cannot be applied in a parser
#include "shared/types.p4"
#include "shared/parser.p4"

control Inner(inout meta_t meta) { apply {} }
parser P2(packet_in pkt, inout meta_t meta) {
    state start {
        Inner.apply(meta);
        transition accept;
    }
}
#include "shared/ingress.p4"

#include "shared/main.p4"
