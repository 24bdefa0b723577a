// error: 5: it has no body that could be instantiated
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
Ingress<headers_t, meta_t>() x;
