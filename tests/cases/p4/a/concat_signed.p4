// Concatenation with a signed left side.
#include "../include/one.p4"

INGRESS {
    apply {
        int<8> s = -1;
        hdr.h.x = (bit<16>)((bit<8>)s ++ hdr.h.a);
        int<16> q = s ++ 8s2;
        hdr.h.y = (bit<16>)q;
    }
}

MAIN
