// error: 9: expected bit<8>, got bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

void f(out bit<8> a) { a = 1; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        f(meta.y);
    }
}

#include "shared/main.p4"
