// error: 4: the width of bit must be an integer, not bool
#include "shared/types.p4"

struct s { bit<(true)> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
