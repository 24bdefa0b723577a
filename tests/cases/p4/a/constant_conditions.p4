// Conditions that are known when compiling.
#include "../include/one.p4"

const int N = 4;

INGRESS {
    apply {
        if (true) {
            hdr.h.a = 9;
        } else {
            hdr.h.a = 8;
        }
        if (false) hdr.h.b = 9;
        if (1 == 2) hdr.h.c = 9;
        if (N > 3) hdr.h.d = 9;
    }
}

MAIN
