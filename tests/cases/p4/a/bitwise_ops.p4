// And, or, xor and complement, with constants and with fields.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a & 0x0f;
        hdr.h.b = hdr.h.b | 0xf0;
        hdr.h.c = hdr.h.c ^ hdr.h.d;
        hdr.h.d = ~hdr.h.d;
        hdr.h.x = (hdr.h.x & hdr.h.y) | (~hdr.h.x & 0x00ff);
    }
}

MAIN
