// error: 4: cannot be of type string
#include "shared/types.p4"

header h { string s; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
