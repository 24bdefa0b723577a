// error: 5: must return a value
#include "shared/types.p4"

bit<8> f() {
    return;
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
