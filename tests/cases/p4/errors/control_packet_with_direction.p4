// error: 4: cannot be passed as 'inout'
#include "shared/types.p4"

control C(inout packet_out pkt) {
    apply {}
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
