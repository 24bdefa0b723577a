// error: 9: this expression cannot be called
#include "shared/types.p4"
#include "shared/parser.p4"

bit<8> f() { return 1; }
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f()();
    }
}

#include "shared/main.p4"
