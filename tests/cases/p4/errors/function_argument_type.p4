// error: 9: argument 'a' of function 'f': expected bit<8>, got bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

bit<8> f(in bit<8> a) { return a; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f(meta.y);
    }
}

#include "shared/main.p4"
