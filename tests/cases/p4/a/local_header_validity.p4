// A local header is invalid until it is set valid.
#include "../include/one.p4"

INGRESS {
    apply {
        one_t t;
        hdr.h.a = t.isValid() ? 8w1 : 8w2;
        t.setValid();
        hdr.h.b = t.isValid() ? 8w1 : 8w2;
    }
}

MAIN
