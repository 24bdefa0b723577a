// error: 4: not defined for negative numbers
#include "shared/types.p4"

const int k = -5 % 3;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
