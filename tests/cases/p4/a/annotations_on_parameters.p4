// Annotations on the parameters of an action.
#include "../include/one.p4"

INGRESS {
    action f(@foo in bit<8> a, @optional_x bit<8> b) { hdr.h.a = a + b; }
    apply {
        f(1, 2);
    }
}

MAIN
