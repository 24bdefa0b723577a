// Chains of if and else, nested, with and without braces.
#include "../include/one.p4"

INGRESS {
    apply {
        if (hdr.h.a == 0)
            hdr.h.b = 1;
        else if (hdr.h.a == 1)
            if (hdr.h.c == 0)
                hdr.h.b = 2;
            else
                hdr.h.b = 3;
        else {
            hdr.h.b = 4;
            if (hdr.h.c != 0) { }
            else hdr.h.d = 5;
        }
    }
}

MAIN
