// One field given to two out parameters: the right one is written last.
#include "../include/one.p4"

void pair(out bit<8> first, out bit<8> second) {
    second = 2;
    first = 1;
}

INGRESS {
    apply {
        pair(hdr.h.a, hdr.h.a);
        pair(hdr.h.b, hdr.h.c);
    }
}

MAIN
