// A loop that sets a variable from outside, and nested loops.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> i;
        for (i = 0; i < hdr.h.a; i = i + 1) {
            for (bit<8> j in 0 .. 1) {
                if (j == i) {
                    break;
                }
                hdr.h.b = hdr.h.b + 1;
            }
            if (i == 5) {
                return;
            }
        }
        hdr.h.c = i;
    }
}

MAIN
