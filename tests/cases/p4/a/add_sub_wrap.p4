// Unsigned addition and subtraction wrap at the width of the field.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a + 1;
        hdr.h.b = hdr.h.b - 1;
        hdr.h.x = hdr.h.x + hdr.h.y;
        hdr.h.w = -hdr.h.w;
    }
}

MAIN
