// error: 4: 'out' cannot have a default value
#include "shared/types.p4"

void f(out bit<8> a = 3) { a = 1; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
