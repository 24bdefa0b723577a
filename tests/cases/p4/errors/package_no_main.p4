// error: 0: the program has no 'main'
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
