// Fields of an invalid local header keep what is written.
#include "../include/one.p4"

INGRESS {
    apply {
        one_t l;
        l.a = 5;
        bit<8> q = l.a + 1;
        l.setValid();
        l.b = q;
        hdr.h.a = l.b;
    }
}

MAIN
