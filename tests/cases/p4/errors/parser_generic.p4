// error: 4: has a body and so cannot have type parameters
#include "shared/types.p4"

parser P2<T>(packet_in pkt, out T t) {
    state start { transition accept; }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
