// A serializable enum takes part in arithmetic as its number.
#include "../include/one.p4"

enum bit<8> E { A = 0, B = 7, C = 2 }

INGRESS {
    apply {
        hdr.h.a = E.B + 1;
        hdr.h.x = (bit<16>)(bit<8>)E.C << 4;
    }
}

MAIN
