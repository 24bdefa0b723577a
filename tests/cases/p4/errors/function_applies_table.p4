// error: 8: action 'a' cannot be called from a function
#include "shared/types.p4"
#include "shared/parser.p4"

action a() {}
#include "shared/ingress.p4"
bit<8> f() {
    a();
    return 1;
}

#include "shared/main.p4"
