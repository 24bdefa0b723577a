// error: 5: its field 'v' of type varbit<8> cannot be in a header
#include "shared/types.p4"

struct s { varbit<8> v; }
header h { s f; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
