// error: 4: does not return a value on all ways
#include "shared/types.p4"

bit<8> f(in bit<8> a) {
    if (a == 1) {
        return 2;
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
