// error: 9: either all arguments have names or none
#include "shared/types.p4"
#include "shared/parser.p4"

bit<8> f(in bit<8> a, in bit<8> b) { return a + b; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f(1, b = 2);
    }
}

#include "shared/main.p4"
