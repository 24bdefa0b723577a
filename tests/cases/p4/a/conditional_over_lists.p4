// A conditional expression over lists, and over literals whose condition is constant.
#include "../include/one.p4"

const bit<8> K = 5;

struct s_t {
    bit<8> x;
    bit<8> y;
}

INGRESS {
    apply {
        s_t s;
        s = hdr.h.a == 1 ? (s_t){ 1, 2 } : (s_t){ 3, 4 };
        hdr.h.b = s.x;
        hdr.h.c = s.y;
        hdr.h.d = K > 3 ? 8w7 : 8w8;
        if (K == 5 && hdr.h.a == 1 || false) {
            hdr.h.x = 0;
        }
    }
}

MAIN
