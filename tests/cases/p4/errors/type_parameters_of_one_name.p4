// error: 4: two type parameters have one name
#include "shared/types.p4"

struct g<T, T> { T a; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
