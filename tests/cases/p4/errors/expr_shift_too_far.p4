// error: 4: the limit of int
#include "shared/types.p4"

const int k = 1 << 100000000;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
