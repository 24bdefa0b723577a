// Functions of one name and number of parameters, told apart by the arguments' names.
#include "../include/one.p4"

bit<8> f(in bit<8> a) {
    return a + 1;
}

bit<8> f(in bit<8> b) {
    return b + 2;
}

INGRESS {
    apply {
        hdr.h.c = f(a = hdr.h.a);
        hdr.h.d = f(b = hdr.h.b);
    }
}

MAIN
