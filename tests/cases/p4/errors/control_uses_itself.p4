// error: 6: control 'C' uses itself
#include "shared/types.p4"

control C(inout bit<8> v) {
    apply {
        C.apply(v);
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
