// Bitwise operators bind tighter than comparisons, unlike in C.
#include "../include/one.p4"

INGRESS {
    apply {
        if (hdr.h.a & 1 == 1) {
            hdr.h.b = 9;
        }
        if (hdr.h.a + 1 == 2 && hdr.h.c | 4 == 7) {
            hdr.h.d = 9;
        }
    }
}

MAIN
