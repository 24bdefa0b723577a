// A header and then its field as inout: the field is written last.
#include "../include/one.p4"

void f(inout one_t h, inout bit<8> v) {
    h.a = 9;
    v = v + 1;
}

INGRESS {
    apply {
        f(hdr.h, hdr.h.a);
    }
}

MAIN
