// Three xors swap two fields; statements run one after the other.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a ^ hdr.h.b;
        hdr.h.b = hdr.h.a ^ hdr.h.b;
        hdr.h.a = hdr.h.a ^ hdr.h.b;
        hdr.h.x = hdr.h.y;
        hdr.h.y = hdr.h.x + 1;
    }
}

MAIN
