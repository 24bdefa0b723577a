// A parameter of struct type with a default value.
#include "../include/one.p4"

struct s_t {
    bit<8> a;
    bit<8> b;
}

bit<8> f(in s_t s = { 1, 2 }) {
    return s.a + s.b;
}

INGRESS {
    apply {
        hdr.h.a = f();
    }
}

MAIN
