// Shifts by constants, by the full width and by more.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a << 3;
        hdr.h.b = hdr.h.b >> 4;
        hdr.h.c = hdr.h.c << 8;
        hdr.h.d = hdr.h.d >> 9;
        hdr.h.x = hdr.h.x << 0;
        hdr.h.w = (hdr.h.w << 16) | (hdr.h.w >> 16);
    }
}

MAIN
