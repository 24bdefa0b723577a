// error: 4: cannot be 'out' and of type int
#include "shared/types.p4"

void f(out int v) { v = 1; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
