// A slice set from an overlapping slice of the same field.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.w[31:16] = hdr.h.w[23:8];
        hdr.h.x[7:0] = hdr.h.x[15:8] + hdr.h.x[7:0];
    }
}

MAIN
