// error: 5: 'exit' is not allowed in a function
#include "shared/types.p4"

void f() {
    exit;
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
