// error: 6: constructor parameter 'k' is a constant
#include "shared/types.p4"

control Inner(inout bit<8> v)(bit<8> k) {
    apply {
        k = v;
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
