// error: 5: e_t has no size in a packet
#include "shared/types.p4"

struct e_t { error e; }
const int k = e_t.minSizeInBits();

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
