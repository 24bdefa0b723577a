// error: 9: '_' can only stand for an 'out' parameter
#include "shared/types.p4"
#include "shared/parser.p4"

bit<8> f(in bit<8> a) { return a; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f(_);
    }
}

#include "shared/main.p4"
