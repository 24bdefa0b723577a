// error: 5: has no constructor that takes arguments
#include "shared/types.p4"

extern E { void f(); }
E(3) e;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
