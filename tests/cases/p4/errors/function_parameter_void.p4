// error: 4: 
#include "shared/types.p4"

void f(in void v) { }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
