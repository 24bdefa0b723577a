// && and || do not evaluate their right side when the left decides.
#include "../include/one.p4"

bool tick(inout bit<8> n) {
    n = n + 1;
    return n[0:0] == 1;
}

INGRESS {
    apply {
        if (hdr.h.a != 0 && tick(hdr.h.c)) {
            hdr.h.d = 1;
        }
        if (hdr.h.b != 0 || tick(hdr.h.c)) {
            hdr.h.x = hdr.h.x + 1;
        }
    }
}

MAIN
