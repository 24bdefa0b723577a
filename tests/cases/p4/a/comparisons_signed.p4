// int<8> fields compare by sign; the same bits as bit<8> compare otherwise.
#include "../include/one.p4"

INGRESS {
    apply {
        int<8> l = (int<8>)hdr.h.a;
        int<8> r = (int<8>)hdr.h.b;
        hdr.h.c = 0;
        hdr.h.d = 0;
        if (l < r) { hdr.h.c = 1; }
        if (hdr.h.a < hdr.h.b) { hdr.h.d = 1; }
        if (l >= -8s5) { hdr.h.x = 0x0101; }
    }
}

MAIN
