// A function hands its inout parameter on to others.
#include "../include/one.p4"

void once(inout bit<8> v) {
    v = v * 2;
}

void thrice(inout bit<8> v) {
    once(v);
    v = v + 1;
    once(v);
    once(v);
}

bit<8> count(inout bit<8> v) {
    thrice(v);
    return v;
}

INGRESS {
    apply {
        thrice(hdr.h.a);
        thrice(hdr.h.b);
        hdr.h.c = hdr.h.c + count(hdr.h.d);
    }
}

MAIN
