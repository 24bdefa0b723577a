// error: 4: type 'second' is not declared yet
#include "shared/types.p4"

struct first { second s; }
struct second { bit<8> a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
