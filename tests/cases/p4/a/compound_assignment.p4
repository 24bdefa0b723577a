// Assignments that combine an operator, of the newest language version.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a += 5;
        hdr.h.b -= hdr.h.a;
        hdr.h.c |= 0x81;
        hdr.h.d ^= 0xff;
        hdr.h.x <<= 4;
        hdr.h.y >>= 1;
        hdr.h.w &= 0x00ffff00;
        hdr.h.w[7:0] += 1;
    }
}

MAIN
