// error: 6: 
#include "shared/types.p4"
#include "shared/parser.p4"

bit<8> f() { return 1; }
f v;
#include "shared/ingress.p4"

#include "shared/main.p4"
