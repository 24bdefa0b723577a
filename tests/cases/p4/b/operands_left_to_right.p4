// Operands are evaluated from left to right: a call changes what stands right of it only.
#include "../include/one.p4"

bit<8> next(inout bit<8> v) {
    v = v + 3;
    return v;
}

INGRESS {
    apply {
        hdr.h.b = hdr.h.a - next(hdr.h.a);
        hdr.h.d = next(hdr.h.c) - hdr.h.c;
        hdr.h.x = (bit<16>)hdr.h.a + (bit<16>)next(hdr.h.a) * 2;
    }
}

MAIN
