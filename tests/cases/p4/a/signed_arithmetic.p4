// int<8>: wrap on subtraction, arithmetic shift, negation.
#include "../include/one.p4"

INGRESS {
    apply {
        int<8> s = -5;
        s = s - 8s3;
        hdr.h.a = (bit<8>)s;
        hdr.h.b = (bit<8>)(s >> 1);
        hdr.h.c = (bit<8>)(-s);
    }
}

MAIN
