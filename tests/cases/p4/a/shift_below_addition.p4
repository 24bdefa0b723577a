// Shifts bind less than sums, comparisons less than concatenation.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = 8w1 << 2 + 1;
        hdr.h.b = hdr.h.b ++ hdr.h.c == 0x203 ? 8w7 : 8w8;
        hdr.h.c = 1 + 2 * 3 - 4 / 2;
    }
}

MAIN
