// Shift amounts of other widths than the value.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.x = hdr.h.x << (bit<4>)hdr.h.d;
        hdr.h.y = hdr.h.y >> 8w4;
        hdr.h.w = hdr.h.w << 32w40;
    }
}

MAIN
