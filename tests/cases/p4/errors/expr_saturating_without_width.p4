// error: 4: needs operands with a width
#include "shared/types.p4"

const int k = 3 |+| 4;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
