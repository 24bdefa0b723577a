// Comparisons of int<8> with negative literals.
#include "../include/one.p4"

INGRESS {
    apply {
        int<8> v = 3;
        if (v > -1) hdr.h.a = 9;
        if (-8s5 < v) hdr.h.b = 9;
        if ((int<8>)8w0xff == -1) hdr.h.c = 9;
    }
}

MAIN
