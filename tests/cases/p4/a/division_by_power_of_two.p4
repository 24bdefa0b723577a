// Division and modulo of a field by a constant power of two.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a / 4;
        hdr.h.b = hdr.h.b % 16;
        hdr.h.x = hdr.h.x / 256;
        hdr.h.y = hdr.h.y % 1;
    }
}

MAIN
