// A conditional expression chooses between structs.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

INGRESS {
    apply {
        s_t p = { 1, 2 };
        s_t q = { 3, 4 };
        s_t r = hdr.h.a == 1 ? q : p;
        hdr.h.c = r.x;
        hdr.h.d = r.y;
    }
}

MAIN
