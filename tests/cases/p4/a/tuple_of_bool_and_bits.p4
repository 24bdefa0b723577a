// A tuple of a number and a bool.
#include "../include/one.p4"

INGRESS {
    apply {
        tuple<bit<8>, bool> t = { 1, true };
        if (t[1]) {
            hdr.h.a = t[0] + 5;
        }
    }
}

MAIN
