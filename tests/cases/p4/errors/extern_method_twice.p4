// error: 4: method 'f' of extern 'E' is declared twice
#include "shared/types.p4"

extern E { E(); void f(in bit<8> a); void f(in bit<8> a); }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
