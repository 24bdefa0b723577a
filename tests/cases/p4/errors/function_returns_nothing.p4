// error: 5: returns nothing, but a value is given
#include "shared/types.p4"

void f() {
    return 1;
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
