// Casts of bit types cut off high bits or fill up with zeros.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = (bit<8>)hdr.h.x;
        hdr.h.y = (bit<16>)hdr.h.b;
        hdr.h.w = (bit<32>)(bit<4>)hdr.h.c;
        hdr.h.d = (bit<8>)((bit<4>)hdr.h.d + 1);
    }
}

MAIN
