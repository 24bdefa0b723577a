// Without parentheses, operators bind as the language says.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = 2 + hdr.h.b * 3;
        hdr.h.c = 8w1 << hdr.h.d + 1;
        hdr.h.x = hdr.h.y & 0xff | 0x100;
        hdr.h.b = hdr.h.b | 8w1 ^ 8w3 & 8w2;
        if (hdr.h.d == 1 || hdr.h.d == 2 && hdr.h.y == 0) {
            hdr.h.w = 1;
        }
    }
}

MAIN
