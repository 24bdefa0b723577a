// error: 4: cannot be a name of void
#include "shared/types.p4"

typedef void v;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
