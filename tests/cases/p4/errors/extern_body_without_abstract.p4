// error: 5: has no abstract methods to define
#include "shared/types.p4"

extern E { E(); }
E() e = {};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
