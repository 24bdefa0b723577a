// A for loop with init, condition and update; break and continue.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> sum = 0;
        for (bit<8> i = 0; i < 8; i = i + 1) {
            if (i == 3) {
                continue;
            }
            if (i == hdr.h.a) {
                break;
            }
            sum = sum + i;
        }
        hdr.h.b = sum;
    }
}

MAIN
