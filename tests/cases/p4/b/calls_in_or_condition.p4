// Calls in a condition with ||: the second is made only when needed.
#include "../include/one.p4"

bit<8> f(inout bit<8> v) {
    v = v + 1;
    return v;
}

INGRESS {
    apply {
        if (f(hdr.h.a) > 2 || f(hdr.h.b) > 2) {
            hdr.h.d = 0xdd;
        }
    }
}

MAIN
