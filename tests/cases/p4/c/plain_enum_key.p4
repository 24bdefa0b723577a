// A key of an enum type without values.
#include "../include/one.p4"

enum E { A, B, }

INGRESS {
    action s(bit<8> v) { hdr.h.a = v; }
    E e;
    table t {
        key = { e : exact; }
        actions = { s; NoAction; }
        const entries = {
            E.A : s(9);
            E.B : s(8);
        }
        default_action = NoAction();
    }

    apply {
        e = hdr.h.b == 2 ? E.B : E.A;
        t.apply();
    }
}

MAIN
