// A tuple set from its own parts: all are read first.
#include "../include/one.p4"

INGRESS {
    apply {
        tuple<bit<8>, bit<8>> s = { 1, 2 };
        s = { s[1], s[0] };
        hdr.h.a = s[0];
        hdr.h.b = s[1];
    }
}

MAIN
