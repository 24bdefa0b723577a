// error: 4: cannot be of type error
#include "shared/types.p4"

header h { error e; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
