// error: 6: the default value of parameter 'a' must be a constant
#include "shared/types.p4"
#include "shared/parser.p4"

extern bit<8> g();
bit<8> f(in bit<8> a = g()) { return a; }
#include "shared/ingress.p4"

#include "shared/main.p4"
