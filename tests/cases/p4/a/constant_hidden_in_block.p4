// A constant of a block hides a global one.
#include "../include/one.p4"

const bit<8> A = 5;

INGRESS {
    apply {
        hdr.h.a = A;
         {
            const bit<8> A = 9;
            hdr.h.b = A;
        }
    }
}

MAIN
