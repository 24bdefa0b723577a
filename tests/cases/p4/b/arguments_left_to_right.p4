// Arguments are evaluated from left to right, side effects included.
#include "../include/one.p4"

bit<8> next(inout bit<8> v) {
    v = v + 1;
    return v;
}

bit<16> join(in bit<8> l, in bit<8> r) {
    return l ++ r;
}

INGRESS {
    apply {
        hdr.h.x = join(next(hdr.h.a), next(hdr.h.a));
        hdr.h.y = join(hdr.h.b, next(hdr.h.b));
    }
}

MAIN
