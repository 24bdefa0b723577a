// Fields may be named as types are.
#include "../include/one.p4"

typedef bit<8> T;
struct s_t {
    T T;
    bit<8> s_t;
}

INGRESS {
    apply {
        s_t T1;
        T1.T = 5;
        T1.s_t = 6;
        hdr.h.a = T1.T + T1.s_t;
    }
}

MAIN
