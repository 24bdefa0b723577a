// h = f(h): the inout copy comes out first, then the result is assigned.
#include "../include/one.p4"

bit<8> both(inout bit<8> v) {
    v = v + 1;
    return v + 0x40;
}

INGRESS {
    apply {
        hdr.h.a = both(hdr.h.a);
        hdr.h.b = both(hdr.h.c);
    }
}

MAIN
