// error: 5: return value of 'f': expected bit<8>, got bit<16>
#include "shared/types.p4"

bit<8> f(in bit<16> a) {
    return a;
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
