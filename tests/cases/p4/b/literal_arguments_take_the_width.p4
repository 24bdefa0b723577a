// Integer literals and constants are cast to the parameter's type.
#include "../include/one.p4"

const int N = 3;

bit<16> wide(in bit<16> l, in bit<12> r) {
    return l + (bit<16>)r;
}

bit<1> flag(in bool b) {
    return b ? 1w1 : 0;
}

INGRESS {
    apply {
        hdr.h.x = wide(1, 0x1ff);
        hdr.h.w = (bit<32>)wide(N, N);
        hdr.h.a = (bit<8>)flag(1 == 1);
    }
}

MAIN
