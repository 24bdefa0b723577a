// Shifts by the value of a field; from the width on, nothing is left.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.x = hdr.h.x << hdr.h.a;
        hdr.h.y = hdr.h.y >> hdr.h.b;
        hdr.h.w = 32w1 << hdr.h.c;
        hdr.h.d = hdr.h.d >> hdr.h.d;
    }
}

MAIN
