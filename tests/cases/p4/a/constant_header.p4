// A constant header is assigned as a whole.
#include "../include/one.p4"

const one_t K = { 1, 2, 3, 9, 5, 6, 7 };

INGRESS {
    apply {
        hdr.h = K;
    }
}

MAIN
