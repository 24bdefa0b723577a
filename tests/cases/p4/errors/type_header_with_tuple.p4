// error: 4: cannot be of type tuple
#include "shared/types.p4"

header h { tuple<bit<8>> t; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
