// return deep in an action's ifs.
#include "../include/one.p4"

INGRESS {
    action c(inout bit<8> v) {
        if (v > 1) {
            if (v > 2) {
                v = 0;
                return;
            }
            v = 7;
        }
        v = v + 1;
    }

    apply {
        c(hdr.h.a);
        c(hdr.h.b);
        c(hdr.h.c);
    }
}

MAIN
