// A struct in a struct comes back from a function; parts of the result are read.
#include "../include/one.p4"

struct inner_t {
    bit<8>  v;
    bit<16> w;
}

struct outer_t {
    inner_t inner;
    bit<8>  tag;
}

outer_t make(in bit<8> v, in bit<8> tag) {
    outer_t o;
    o.inner = { v, v ++ tag };
    o.tag = tag;
    return o;
}

INGRESS {
    apply {
        outer_t o = make(hdr.h.a, hdr.h.b);
        hdr.h.c = o.inner.v + o.tag;
        hdr.h.x = make(1, 2).inner.w;
        o.inner = make(9, 9).inner;
        hdr.h.y = o.inner.w;
        hdr.h.d = o.tag;
    }
}

MAIN
