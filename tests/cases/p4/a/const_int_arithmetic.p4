// Constants of type int have any size, sign, division and modulo; they are cast where used.
#include "../include/one.p4"

const int BIG = 1 << 100;
const int MINUTES = 24 * 60 - 3;
const int SHIFTED = 0x7 << 61;
const bit<32> MASK = 0xffff_0f0f;
const bit<32> TWO_POWER_31 = 1 << 31;

INGRESS {
    apply {
        hdr.h.a = BIG % 7;
        hdr.h.b = (bit<8>)(-1);
        hdr.h.c = MINUTES / 8 - 100;
        hdr.h.d = (SHIFTED >> 60) - 1;
        hdr.h.x = (bit<16>)(MASK & 0xffff);
        hdr.h.w = hdr.h.w + TWO_POWER_31;
    }
}

MAIN
