// error: 6: method 'f' does not return a value
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(in bit<8> a); }
E() e = {
    bit<8> f(in bit<8> a) { }
};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
