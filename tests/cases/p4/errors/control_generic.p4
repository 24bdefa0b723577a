// error: 4: has a body and so cannot have type parameters
#include "shared/types.p4"

control C<T>(inout T v) {
    apply {}
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
