// return ends the apply of its control.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = 1;
        if (hdr.h.b == 1) {
            return;
        }
        hdr.h.a = 2;
        if (hdr.h.b == 2) {
            if (hdr.h.c == 0) {
                return;
            }
            hdr.h.a = 3;
        }
        hdr.h.d = 4;
    }
}

MAIN
