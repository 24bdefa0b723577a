// error: 5: '++' makes 16000 bits
#include "shared/types.p4"

const bit<8000> a = 0;
const bit<8192> b = a ++ a;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
