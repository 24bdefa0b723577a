// A function makes a local copy of a header invalid; the original stays.
#include "../include/one.p4"

void f(inout one_t t) {
    t.setInvalid();
}

INGRESS {
    apply {
        one_t t = hdr.h;
        f(t);
        if (t.isValid()) {
            hdr.h.a = 0xaa;
        } else {
            hdr.h.b = 0xbb;
        }
    }
}

MAIN
