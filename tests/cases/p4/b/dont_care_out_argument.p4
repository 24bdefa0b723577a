// `_` as argument drops what comes out.
#include "../include/one.p4"

void divide(in bit<8> v, out bit<8> quotient, out bit<8> rest) {
    quotient = v >> 3;
    rest = v & 7;
}

INGRESS {
    apply {
        divide(hdr.h.a, hdr.h.b, _);
        divide(hdr.h.c, _, hdr.h.d);
    }
}

MAIN
