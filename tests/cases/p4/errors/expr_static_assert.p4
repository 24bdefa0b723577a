// error: 4: static_assert failed: one is not more than two
#include "shared/types.p4"

const bool ok = static_assert(1 > 2, "one is not more than two");

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
