// A struct set from its own fields: all are read first.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

INGRESS {
    apply {
        s_t s = { 1, 2 };
        s = { s.y, s.x };
        hdr.h.a = s.x;
        hdr.h.b = s.y;
    }
}

MAIN
