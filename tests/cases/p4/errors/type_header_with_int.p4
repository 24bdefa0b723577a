// error: 4: cannot be of type int
#include "shared/types.p4"

header h { int a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
