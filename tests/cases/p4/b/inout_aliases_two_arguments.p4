// One field given twice as inout: both start from it, the last copy out wins.
#include "../include/one.p4"

void two(inout bit<8> p, inout bit<8> q) {
    p = p + 1;
    q = q + 0x10;
    p = p + q;
}

INGRESS {
    apply {
        two(hdr.h.a, hdr.h.a);
        two(hdr.h.b, hdr.h.c);
    }
}

MAIN
