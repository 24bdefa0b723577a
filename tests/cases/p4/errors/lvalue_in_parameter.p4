// error: 7: 'v' is read-only: it is a 'in' parameter
#include "shared/types.p4"
#include "shared/parser.p4"

control Inner(in bit<8> v) {
    apply {
        v = 1;
    }
}

#include "shared/ingress.p4"

#include "shared/main.p4"
