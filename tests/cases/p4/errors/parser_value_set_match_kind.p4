// error: 7: match kind 'fuzzy' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

struct k_t { @match(fuzzy) bit<8> f; }
parser P2(packet_in pkt) {
    value_set<k_t>(4) vs;
    state start { transition accept; }
}
#include "shared/ingress.p4"

#include "shared/main.p4"
