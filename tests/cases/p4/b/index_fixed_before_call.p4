// The element that an inout argument names is fixed before the call changes the index.
#include "../include/one.p4"

header s_t {
    bit<8> v;
}

void f(inout bit<8> v, inout bit<8> i) {
    v = 9;
    i = 1;
}

INGRESS {
    apply {
        bit<8> i = 0;
        s_t[2] s;
        s[0].setValid();
        s[1].setValid();
        s[0] = { 1 };
        s[1] = { 2 };
        f(s[i].v, i);
        hdr.h.a = s[0].v;
        hdr.h.b = s[1].v;
        hdr.h.c = i;
    }
}

MAIN
