// Concatenation of literals with widths and of casts.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.w = 8w1 ++ 8w2 ++ hdr.h.a ++ (bit<8>)7;
        hdr.h.x = 4w1 ++ 12w5;
    }
}

MAIN
