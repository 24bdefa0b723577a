// error: 4: member 'B' of enum 'E' needs a value
#include "shared/types.p4"

enum bit<8> E { A = 1, B }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
