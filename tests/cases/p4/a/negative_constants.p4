// Negative literals and constants wrap into unsigned fields.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = -1;
        hdr.h.b = 8w0 - 1;
        hdr.h.c = (bit<8>)(-8s1);
        hdr.h.d = -8w3;
    }
}

MAIN
