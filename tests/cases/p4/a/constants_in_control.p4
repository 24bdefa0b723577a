// Constants declared in a control and made of each other.
#include "../include/one.p4"

INGRESS {
    const bit<8> K = 5;
    apply {
        const bit<8> J = K + 1;
        hdr.h.a = K;
        hdr.h.b = J;
    }
}

MAIN
