// error: 4: a width is from 0 to 8192
#include "shared/types.p4"

struct s { bit<9000> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
