// < and > between names are comparisons, not type arguments.
#include "../include/one.p4"

INGRESS {
    apply {
        if (hdr.h.a < hdr.h.b && hdr.h.c > hdr.h.a) {
            hdr.h.d = 9;
        }
        bool x = hdr.h.a < (hdr.h.b) && (hdr.h.d) > 3;
        if (x) hdr.h.a = 5;
        bit<8> q = hdr.h.a >> 1 >> 1;
        hdr.h.b = q;
    }
}

MAIN
