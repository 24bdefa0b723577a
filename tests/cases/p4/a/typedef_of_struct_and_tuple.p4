// typedefs of a struct and of a tuple.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

typedef s_t S;
typedef tuple<bit<8>, bool> TT;

INGRESS {
    apply {
        S t = { 4, 5 };
        TT u = { 6, true };
        hdr.h.a = t.x + u[0];
    }
}

MAIN
