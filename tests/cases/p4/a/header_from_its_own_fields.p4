// A header set from its own fields: all are read first.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h = { hdr.h.b, hdr.h.a, hdr.h.d, hdr.h.c, hdr.h.y, hdr.h.x, hdr.h.w + 1 };
    }
}

MAIN
