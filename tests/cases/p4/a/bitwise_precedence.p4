// And before xor before or.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.a ^ hdr.h.b & hdr.h.c | 8w0x80;
    }
}

MAIN
