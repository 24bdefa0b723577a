// error: 4: a width of 9999
#include "shared/types.p4"

const bit<8> k = 9999w1;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
