// An out parameter that nobody assigns, and a local without a value, are zero.
#include "../include/one.p4"

void maybe(in bool c, out bit<8> r) {
    if (c) {
        r = 5;
    }
}

void nothing(out bit<16> r) { }

INGRESS {
    apply {
        bit<16> r = 0x1234;
        maybe(hdr.h.a == 1, hdr.h.b);
        nothing(r);
        hdr.h.x = r;
    }
}

MAIN
