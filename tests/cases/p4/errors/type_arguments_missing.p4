// error: 5: type 'g' takes 1 type arguments, not 0
#include "shared/types.p4"

struct g<T> { T a; }
struct s { g v; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
