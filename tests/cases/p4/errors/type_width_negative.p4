// error: 5: a width is from
#include "shared/types.p4"

const int W = 3;
struct s { bit<(W - 4)> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
