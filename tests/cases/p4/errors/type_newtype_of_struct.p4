// error: 4: cannot make a new type of pair_t
#include "shared/types.p4"

type pair_t New;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
