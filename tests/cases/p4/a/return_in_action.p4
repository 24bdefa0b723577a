// return in an action ends that action and nothing else.
#include "../include/one.p4"

INGRESS {
    action clamp(inout bit<8> v, in bit<8> top) {
        if (v <= top) {
            return;
        }
        v = top;
    }
    apply {
        clamp(hdr.h.a, 0x10);
        clamp(hdr.h.b, hdr.h.c);
        hdr.h.d = hdr.h.a + hdr.h.b;
    }
}

MAIN
