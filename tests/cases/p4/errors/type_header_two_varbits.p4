// error: 4: more than one varbit
#include "shared/types.p4"

header h { varbit<8> a; varbit<8> b; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
