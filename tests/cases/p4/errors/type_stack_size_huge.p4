// error: 4: a stack has from 1 to
#include "shared/types.p4"

struct s { eth_t[1000000] st; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
