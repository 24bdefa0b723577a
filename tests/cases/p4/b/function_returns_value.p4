// A function of two arguments, called in expressions and in its own arguments.
#include "../include/one.p4"

bit<8> biggest(in bit<8> l, in bit<8> r) {
    if (l > r) {
        return l;
    }
    return r;
}

INGRESS {
    apply {
        hdr.h.a = biggest(hdr.h.a, hdr.h.b);
        hdr.h.c = biggest(biggest(hdr.h.b, hdr.h.c), 0x20) + 1;
    }
}

MAIN
