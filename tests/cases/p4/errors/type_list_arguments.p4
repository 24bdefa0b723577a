// error: 4: list takes one type argument, not 2
#include "shared/types.p4"

const list<bit<8>, bit<8>> l = {};

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
