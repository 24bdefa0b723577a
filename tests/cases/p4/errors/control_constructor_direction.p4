// error: 4: 
#include "shared/types.p4"

control C()(in bit<8> k) { apply {} }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
