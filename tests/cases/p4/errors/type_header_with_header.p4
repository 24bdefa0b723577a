// error: 4: field 'e' of header 'h' cannot be of type eth_t
#include "shared/types.p4"

header h { eth_t e; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
