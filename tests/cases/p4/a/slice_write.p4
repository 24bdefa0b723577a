// An assignment to a slice leaves the other bits alone.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a[7:4] = 0xa;
        hdr.h.b[3:0] = hdr.h.a[7:4];
        hdr.h.c[0:0] = 1;
        hdr.h.d[7:7] = 0;
        hdr.h.x[11:4] = 0xff;
        hdr.h.w[31:16] = hdr.h.w[15:0];
    }
}

MAIN
