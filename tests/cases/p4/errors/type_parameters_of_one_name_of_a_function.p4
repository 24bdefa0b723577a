// error: 4: type parameter 'T' is declared twice
#include "shared/types.p4"

extern void f<T, T>(in T a);

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
