// Slices of sums, concatenations and literals.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = (hdr.h.x + hdr.h.y)[7:0];
        hdr.h.b = (hdr.h.x ++ hdr.h.y)[23:16];
        hdr.h.c = (16w0xabcd)[11:4];
    }
}

MAIN
