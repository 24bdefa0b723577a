// Comparisons are compared with bools.
#include "../include/one.p4"

INGRESS {
    apply {
        bool a = hdr.h.a < hdr.h.b == true;
        bool b = hdr.h.a == 1 != (hdr.h.b == 2);
        if (a) hdr.h.c = 0x11;
        if (b) hdr.h.d = 0x22;
    }
}

MAIN
