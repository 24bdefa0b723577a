// Concatenation puts its left side into the high bits; widths add up.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.x = hdr.h.a ++ hdr.h.b;
        hdr.h.w = hdr.h.c ++ hdr.h.d ++ hdr.h.y;
        hdr.h.y = hdr.h.a[3:0] ++ 8w0x55 ++ hdr.h.b[7:4];
    }
}

MAIN
