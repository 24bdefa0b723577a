// error: 4: a stack is of headers
#include "shared/types.p4"

struct s { pair_t[4] st; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
