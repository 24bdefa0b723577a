// A field and then its header as inout: the header is written last.
#include "../include/one.p4"

void f(inout bit<8> v, inout one_t h) {
    h.a = 9;
    v = v + 1;
}

INGRESS {
    apply {
        f(hdr.h.a, hdr.h);
    }
}

MAIN
