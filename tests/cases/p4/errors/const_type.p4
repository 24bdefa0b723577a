// error: 4: value of 'k': expected bit<8>, got bool
#include "shared/types.p4"

const bit<8> k = true;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
