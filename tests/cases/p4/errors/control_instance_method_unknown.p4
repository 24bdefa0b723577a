// error: 8: has no method 'run'
#include "shared/types.p4"

control Inner() { apply {} }
control C() {
    Inner() i;
    apply {
        i.run();
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
