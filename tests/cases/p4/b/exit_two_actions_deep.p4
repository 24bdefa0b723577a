// An action called by an action exits: both copy out.
#include "../include/one.p4"

INGRESS {
    action c(inout bit<8> v) {
        v = 1 + v;
        if (v == 5) exit;
        v = 9;
    }

    action b(inout bit<8> v) {
        c(v);
        v = v + 1;
    }

    apply {
        b(hdr.h.c);
        b(hdr.h.d);
        hdr.h.a = 0;
    }
}

MAIN
