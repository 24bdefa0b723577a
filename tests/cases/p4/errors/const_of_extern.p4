// error: 4: constant 'k' cannot be of type extern packet_in
#include "shared/types.p4"

const packet_in k = 3;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
