// error: 6: parameter 'a' of method 'f' must be 'in bit<8>'
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(in bit<8> a); }
E() e = {
    bit<8> f(in bit<16> a) { return 1; }
};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
