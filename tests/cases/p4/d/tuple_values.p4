// Tuples: built from lists, read by index, assigned, compared, nested.
#include "../include/one.p4"

INGRESS {
    apply {
        tuple<bit<8>, bit<16>> t = { hdr.h.a, hdr.h.x };
        tuple<tuple<bit<8>, bit<16>>, bool> n = { t, hdr.h.b == 0 };
        hdr.h.c = t[0] + 1;
        hdr.h.y = n[0][1];
        t = { 8w9, 16w10 };
        if (n[1]) {
            hdr.h.d = t[0];
        }
        if (t == n[0]) {
            hdr.h.w = 0x600d;
        }
    }
}

MAIN
