// An action's arguments alias each other and its table's key; an index argument is fixed before the call changes it.
#include "../include/one.p4"

INGRESS {
    bit<8> n = 0;
    one_t[3] st;
    action two(in bit<8> a, inout bit<8> b, out bit<8> c) {
        c = a + b;
        b = c + 1;
    }
    action move(inout bit<8> f, inout bit<2> i) {
        i = 2;
        f = f + 1;
    }
    table t {
        key = { hdr.h.a + n : exact @name("sum"); }
        actions = { two(hdr.h.a, hdr.h.b, hdr.h.a); NoAction; }
        const default_action = two(hdr.h.a, hdr.h.b, hdr.h.a);
    }
    apply {
        bit<2> i = 1;
        st[0] = hdr.h;
        st[1] = hdr.h;
        st[2] = hdr.h;
        move(st[i].a, i);
        hdr.h.x = st[1].a ++ st[2].a;
        two(hdr.h.a, hdr.h.a, hdr.h.a);
        if (t.apply().hit || n == 0) { n = 1; }
        hdr.h.y[15:8] = n;
        hdr.h.y[11:4] = hdr.h.y[15:8];
        st[i - 2] = { 1, 2, 3, 4, 5, 6, 7 };
        hdr.h.w = st[0].w;
        st[i] = st[0];
        hdr.h.c = st[2].c;
        tuple<bit<8>, bit<8>> p = { hdr.h.c, hdr.h.d };
        hdr.h.d = p[0];
        hdr.h.c = p[1];
    }
}

MAIN
