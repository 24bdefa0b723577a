// The conditional expression, nested and as part of arithmetic.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.c = hdr.h.a > hdr.h.b ? hdr.h.a : hdr.h.b;
        hdr.h.d = hdr.h.a == 0 ? 8w1 : hdr.h.a < 10 ? 8w2 : 8w3;
        hdr.h.x = hdr.h.y + (hdr.h.b == 0xff ? 16w0x100 : 16w1);
    }
}

MAIN
