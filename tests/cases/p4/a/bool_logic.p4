// Not, and, or and equality of bool values.
#include "../include/one.p4"

INGRESS {
    apply {
        bool p = hdr.h.a != 0;
        bool q = hdr.h.b != 0;
        bool x = p != q;
        hdr.h.c = 0;
        if (p && q) { hdr.h.c = hdr.h.c | 1; }
        if (p || q) { hdr.h.c = hdr.h.c | 2; }
        if (!p) { hdr.h.c = hdr.h.c | 4; }
        if (x) { hdr.h.c = hdr.h.c | 8; }
        if (!(p && !q) == true) { hdr.h.c = hdr.h.c | 16; }
    }
}

MAIN
