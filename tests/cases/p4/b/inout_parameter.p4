// An inout argument comes in with its value and takes the new one out.
#include "../include/one.p4"

void bump(inout bit<8> v, in bit<8> by) {
    v = v + by;
}

INGRESS {
    apply {
        bump(hdr.h.a, 1);
        bump(hdr.h.a, hdr.h.a);
        bump(hdr.h.b, hdr.h.c);
    }
}

MAIN
