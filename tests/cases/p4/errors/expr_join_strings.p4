// error: 7: strings can only be joined when the compiler knows them
#include "shared/types.p4"

extern void f(string s);
control C()(string a) {
    apply {
        f(a ++ "x");
    }
}

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
