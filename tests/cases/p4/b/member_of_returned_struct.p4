// A field of what a function returns is used at once.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

s_t f(in bit<8> v) {
    return (s_t){ v, v + v };
}

INGRESS {
    apply {
        hdr.h.a = f(3).y;
    }
}

MAIN
