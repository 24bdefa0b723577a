// Slices with constant bounds pick bits; single bits, nibbles, across bytes.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<32> w = hdr.h.w;
        hdr.h.a = w[31:24];
        hdr.h.b = w[7:0];
        hdr.h.c = w[19:12];
        hdr.h.d = (bit<8>)w[0:0];
        hdr.h.x[15:12] = w[3:0];
        hdr.h.y = w[23:8];
    }
}

MAIN
