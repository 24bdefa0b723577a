// A leading dot takes functions, actions, types and constants from the top level.
#include "../include/one.p4"

bit<8> f(in bit<8> v) {
    return v + 1;
}

typedef bit<8> T;
const bit<8> K = 9;

INGRESS {
    apply {
        hdr.h.a = .f(1);
        .NoAction();
        .T v = 5;
        hdr.h.b = v;
        hdr.h.c = .K;
    }
}

MAIN
