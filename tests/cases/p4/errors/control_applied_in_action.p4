// error: 7: control 'Inner' cannot be applied in an action
#include "shared/types.p4"

control Inner() { apply {} }
control C() {
    action a() {
        Inner.apply();
    }
    apply { a(); }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
