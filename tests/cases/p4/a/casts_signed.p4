// A cast between bit<8> and int<8> keeps the bits; widening an int fills up with its sign.
#include "../include/one.p4"

INGRESS {
    apply {
        int<8> s = (int<8>)hdr.h.a;
        int<16> wide = (int<16>)s;
        hdr.h.x = (bit<16>)wide;
        hdr.h.y = (bit<16>)hdr.h.a;
        hdr.h.b = s < 0 ? 8w1 : 8w0;
        hdr.h.w = (bit<32>)(int<32>)(wide - 1);
    }
}

MAIN
