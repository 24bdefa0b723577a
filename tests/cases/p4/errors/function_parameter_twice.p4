// error: 4: parameter 'a' of function 'f' is declared twice
#include "shared/types.p4"

bit<8> f(in bit<8> a, in bit<8> a) { return a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
