// error: 9: argument 'a' of function 'f': this expression cannot be assigned to
#include "shared/types.p4"
#include "shared/parser.p4"

void f(out bit<8> a) { a = 1; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        f(8w3);
    }
}

#include "shared/main.p4"
