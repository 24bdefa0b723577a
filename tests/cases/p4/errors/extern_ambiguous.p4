// error: 8: more than one form of it takes these arguments
#include "shared/types.p4"

extern void f(in bit<8> a);
extern void f(in int<8> b);
control C(inout meta_t meta) {
    apply {
        f(1);
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
