// A function may be called as a statement: its result is dropped, its effect stays.
#include "../include/one.p4"

bit<8> pop(inout bit<8> v) {
    bit<8> r = v;
    v = v >> 1;
    return r;
}

INGRESS {
    apply {
        pop(hdr.h.a);
        hdr.h.b = pop(hdr.h.a);
        pop(hdr.h.x[7:0]);
    }
}

MAIN
