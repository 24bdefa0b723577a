// error: 4: field 'a' of struct 's' is declared twice
#include "shared/types.p4"

struct s { bit<8> a; bit<8> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
