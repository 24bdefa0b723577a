// A for loop over a range has both ends in it.
#include "../include/one.p4"

bit<16> sum(in bit<8> skip) {
    bit<16> s = 0;
    for (bit<8> k in 8w1 .. 8w10) {
        if (k != skip) {
            s = s + (bit<16>)k;
        }
    }
    return s;
}

INGRESS {
    apply {
        hdr.h.x = 0;
        for (bit<8> i in 2 .. 5) {
            hdr.h.x = hdr.h.x * 16 + (bit<16>)i;
        }
        hdr.h.y = sum(hdr.h.a);
    }
}

MAIN
