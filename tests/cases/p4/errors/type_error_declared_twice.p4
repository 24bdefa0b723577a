// error: 4: error 'NoMatch' is declared twice
#include "shared/types.p4"

error { NoMatch }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
