// A generic function that makes a generic struct.
#include "../include/one.p4"

struct pair_t<T> {
    T f;
    T s;
}

pair_t<T> mk<T>(in T a, in T b) {
    return { a, b };
}

INGRESS {
    apply {
        pair_t<bit<8>> p = mk(hdr.h.a, hdr.h.b);
        hdr.h.c = p.s;
    }
}

MAIN
