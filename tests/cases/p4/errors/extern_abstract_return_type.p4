// error: 6: method 'f' differs from its declaration
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(in bit<8> a); }
E() e = {
    bit<16> f(in bit<8> a) { return 1; }
};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
