// Variables of an action live for one call and start anew.
#include "../include/one.p4"

INGRESS {
    action twice(bit<8> seed) {
        bit<8> acc = seed;
        acc = acc + acc;
        bit<16> pair = acc ++ seed;
        hdr.h.x = hdr.h.x + pair;
    }
    apply {
        twice(hdr.h.a);
        twice(3);
    }
}

MAIN
