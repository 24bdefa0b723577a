// error: 9: type parameter T cannot be inferred
#include "shared/types.p4"
#include "shared/parser.p4"

extern T make<T>();
#include "shared/ingress.p4"
control C(inout meta_t meta) {
    apply {
        meta.x = make();
    }
}

#include "shared/main.p4"
