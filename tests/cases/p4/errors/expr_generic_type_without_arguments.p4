// error: 5: type 'g' takes 1 type arguments
#include "shared/types.p4"

struct g<T> { T a; }
const int k = g.minSizeInBits();

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
