// A conditional expression of calls as argument: one call is made.
#include "../include/one.p4"

bit<8> g(inout bit<8> v) {
    v = v + 1;
    return v;
}

bit<8> f(in bit<8> v) {
    return v + v;
}

INGRESS {
    apply {
        hdr.h.a = f(hdr.h.a == 1 ? g(hdr.h.b) : g(hdr.h.c));
    }
}

MAIN
