// Functions of one name differ by the number of their parameters.
#include "../include/one.p4"

bit<8> f(in bit<8> v) {
    return v + 1;
}

bit<8> f(in bit<8> v, in bit<8> w) {
    return v + w;
}

INGRESS {
    apply {
        hdr.h.a = f(hdr.h.b);
        hdr.h.c = f(hdr.h.b, hdr.h.d);
    }
}

MAIN
