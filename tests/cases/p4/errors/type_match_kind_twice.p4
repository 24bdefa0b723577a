// error: 4: match kind 'exact' is declared twice
#include "shared/types.p4"

match_kind { exact }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
