// Only the chosen side of a conditional expression is evaluated.
#include "../include/one.p4"

bit<8> take(inout bit<8> v) {
    v = v + 1;
    return v;
}

INGRESS {
    apply {
        hdr.h.d = hdr.h.a == 0 ? take(hdr.h.b) : take(hdr.h.c);
        hdr.h.x = hdr.h.d > 4 ? 16w7 : (bit<16>)take(hdr.h.b);
    }
}

MAIN
