// error: 5: function 'f' calls itself
#include "shared/types.p4"

bit<8> f(in bit<8> a) {
    return f(a);
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
