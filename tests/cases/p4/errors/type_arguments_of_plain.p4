// error: 4: 'pair_t' takes no type arguments
#include "shared/types.p4"

struct s { pair_t<bit<8>> v; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
