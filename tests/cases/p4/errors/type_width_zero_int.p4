// error: 4: a width is from 1 to 8192
#include "shared/types.p4"

struct s { int<0> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
