// A header is compared with one written in place.
#include "../include/one.p4"

INGRESS {
    apply {
        if (hdr.h == (one_t){ 1, 2, 3, 4, 0x506, 0x708, 0x90a0b0c }) {
            hdr.h.a = 0xaa;
        }
    }
}

MAIN
