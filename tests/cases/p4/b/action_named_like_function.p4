// An action of the same name as a global function calls it by its dot.
#include "../include/one.p4"

bit<8> f(in bit<8> v) {
    return v + 1;
}

INGRESS {
    action f() { hdr.h.a = .f(7); }
    apply {
        f();
    }
}

MAIN
