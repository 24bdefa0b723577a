// error: 4: must be a header
#include "shared/types.p4"

header_union u { bit<8> p; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
