// An out argument assigned before exit comes out.
#include "../include/one.p4"

INGRESS {
    action f(out bit<8> v) {
        v = 8;
        exit;
    }

    apply {
        f(hdr.h.a);
        hdr.h.b = 9;
    }
}

MAIN
