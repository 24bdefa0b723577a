// A constant tuple is copied into a variable, which is assigned as a whole.
#include "../include/one.p4"

const tuple<bit<8>, bit<8>> K = { 1, 2 };
const tuple<bool, bit<16>> L = { true, 16w0xbeef };

INGRESS {
    apply {
        tuple<bit<8>, bit<8>> t = K;
        t = { hdr.h.a, t[1] };
        hdr.h.b = t[0];
        hdr.h.c = t[1];
        t = { t[1], t[0] + K[1] };
        hdr.h.d = t[1];
        hdr.h.x = L[1];
    }
}

MAIN
