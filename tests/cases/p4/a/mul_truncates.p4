// A product keeps the low bits of its width.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a * hdr.h.b;
        hdr.h.x = hdr.h.x * 3;
        hdr.h.w = (bit<32>)hdr.h.y * (bit<32>)hdr.h.y;
    }
}

MAIN
