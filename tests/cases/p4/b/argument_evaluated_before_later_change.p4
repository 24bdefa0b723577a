// An in argument keeps the value from before a later argument's side effect.
#include "../include/one.p4"

bit<8> zero(inout bit<8> v) {
    bit<8> old = v;
    v = 0;
    return old + 1;
}

bit<16> three(in bit<8> p, in bit<8> q, in bit<8> r) {
    return (p ++ q) | (bit<16>)r;
}

INGRESS {
    apply {
        hdr.h.x = three(hdr.h.a, zero(hdr.h.a), hdr.h.a);
    }
}

MAIN
