// Two members of an enum may have the same value.
#include "../include/one.p4"

enum bit<8> E { A = 0, D = 2, C = 2 }

INGRESS {
    apply {
        if ((E)hdr.h.b == E.D) hdr.h.c = 0;
    }
}

MAIN
