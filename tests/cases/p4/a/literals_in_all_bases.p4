// Binary, octal, decimal and hex literals, with widths and underscores.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = 0b1010_0101;
        hdr.h.b = 8w0o17;
        hdr.h.c = 0d99;
        hdr.h.d = 8w0xF_E;
        hdr.h.x = 16w0b11 + 0X10;
        hdr.h.y = 1_000;
        hdr.h.w = 32w0xDEAD_beef;
    }
}

MAIN
