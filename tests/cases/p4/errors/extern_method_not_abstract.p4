// error: 7: has no abstract method 'g' left to define
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(); }
E() e = {
    bit<8> f() { return 1; }
    bit<8> g() { return 1; }
};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
