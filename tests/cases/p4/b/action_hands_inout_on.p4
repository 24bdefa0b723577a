// An action hands its inout parameter on to another, twice.
#include "../include/one.p4"

INGRESS {
    action f(inout bit<8> a, bit<8> b) { a = a + b; }
    action g(inout bit<8> a) {
        f(a, 1);
        f(a, 2);
    }

    apply {
        g(hdr.h.a);
        g(hdr.h.b);
    }
}

MAIN
