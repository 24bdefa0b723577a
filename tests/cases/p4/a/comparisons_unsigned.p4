// The six comparisons of unsigned fields.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> r = 0;
        if (hdr.h.a < hdr.h.b) r = r | 0x01;
        if (hdr.h.a <= hdr.h.b) r = r | 0x02;
        if (hdr.h.a > hdr.h.b) r = r | 0x04;
        if (hdr.h.a >= hdr.h.b) r = r | 0x08;
        if (hdr.h.a == hdr.h.b) r = r | 0x10;
        if (hdr.h.a != hdr.h.b) r = r | 0x20;
        hdr.h.c = r;
    }
}

MAIN
