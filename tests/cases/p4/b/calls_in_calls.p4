// Calls as arguments of calls.
#include "../include/one.p4"

bit<8> max(in bit<8> a, in bit<8> b) {
    return a > b ? a : b;
}

bit<8> min(in bit<8> a, in bit<8> b) {
    return a < b ? a : b;
}

INGRESS {
    apply {
        hdr.h.a = max(min(hdr.h.a, hdr.h.b), max(hdr.h.c, hdr.h.d));
    }
}

MAIN
