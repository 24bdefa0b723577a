// error: 9: T cannot be both bit<8> and bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

T f<T>(in T a, in T b) { return a; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f(meta.x, meta.y);
    }
}

#include "shared/main.p4"
