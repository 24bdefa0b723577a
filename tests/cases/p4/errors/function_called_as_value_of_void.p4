// error: 9: expected bit<8>, got void
#include "shared/types.p4"
#include "shared/parser.p4"

void f() {}
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = f();
    }
}

#include "shared/main.p4"
