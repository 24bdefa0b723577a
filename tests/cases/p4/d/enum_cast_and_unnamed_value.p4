// Casts between a serializable enum and its bits, both ways.
#include "../include/one.p4"

enum bit<8> E { A = 0, B = 7, C = 2 }

INGRESS {
    apply {
        hdr.h.a = (bit<8>)E.B;
        E e = (E)hdr.h.b;
        if (e == E.C) {
            hdr.h.d = E.A;
        }
    }
}

MAIN
