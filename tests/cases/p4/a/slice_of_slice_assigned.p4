// Assignments to slices of slices of one field.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.w[15:8] = 0;
        hdr.h.w[7:0][3:2] = 0;
    }
}

MAIN
