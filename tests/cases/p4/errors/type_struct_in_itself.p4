// error: 4: 's' is not declared yet
#include "shared/types.p4"

struct s { bit<8> a; s inner; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
