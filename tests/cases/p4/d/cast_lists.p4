// Lists cast to tuples and structs, used at once.
#include "../include/one.p4"

struct s_t {
    bit<8> x;
    bit<8> y;
}

INGRESS {
    apply {
        tuple<bit<8>, bit<8>> t = (tuple<bit<8>, bit<8>>){ 1, 2 };
        s_t s = (s_t){ 3, 4 };
        hdr.h.a = t[1] + s.y + ((s_t){ 5, 6 }).x;
    }
}

MAIN
