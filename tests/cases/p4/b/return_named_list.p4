// A function returns a list with names for its struct.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

s_t f(in bit<8> v) {
    return { x = v, y = v + v };
}

INGRESS {
    apply {
        s_t s = f(3);
        hdr.h.a = s.x + s.y;
    }
}

MAIN
