// error: 5: does not define f
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(in bit<8> a); }
E() e = {};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
