// error: 7: control 'Inner' has no method 'run'
#include "shared/types.p4"

control Inner() { apply {} }
control C() {
    apply {
        Inner.run();
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
