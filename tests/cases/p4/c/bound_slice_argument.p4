// A slice bound as inout argument of a table's action.
#include "../include/one.p4"

INGRESS {
    action a(inout bit<4> x, bit<4> k) { x = x + k; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { a(hdr.h.b[3:0]); }
        const entries = {
            1 : a(hdr.h.b[3:0], 5);
        }
    }

    apply {
        t.apply();
    }
}

MAIN
