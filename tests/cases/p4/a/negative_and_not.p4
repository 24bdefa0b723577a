// Unary operators stack, and apply to sub-expressions.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = - - hdr.h.a;
        hdr.h.b = ~~hdr.h.b;
        hdr.h.c = -(hdr.h.c + 1);
        hdr.h.d = ~hdr.h.d + 1;
        bool t = !!(hdr.h.x == 0);
        hdr.h.y = t ? -16w1 : +16w1;
    }
}

MAIN
