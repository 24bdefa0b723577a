// A slice is set by a conditional expression of slices and concatenations.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a[3:0] = hdr.h.b[3:0] == 2 ? 4w5 : (hdr.h.c[1:0] ++ 2w1);
    }
}

MAIN
