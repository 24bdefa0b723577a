// A name in parentheses is a cast or a value.
#include "../include/one.p4"

const bit<8> K = 3;
typedef bit<8> T;

INGRESS {
    apply {
        hdr.h.a = (bit<8>)(hdr.h.x);
        hdr.h.b = (bit<8>)hdr.h.x[15:8];
        hdr.h.c = (K) + 1;
        hdr.h.d = (T)(K) + (T)2;
    }
}

MAIN
