// A conditional expression chooses between headers.
#include "../include/one.p4"

INGRESS {
    apply {
        one_t t;
        t = hdr.h;
        t.a = 0x77;
        hdr.h = hdr.h.b == 2 ? t : hdr.h;
    }
}

MAIN
