// error: 5: declared twice with the same parameters
#include "shared/types.p4"

bit<8> f(in bit<8> a) { return a; }
bit<8> f(in bit<8> a) { return a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
