// A conditional expression as key.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.b = v; }
    table t {
        key = { (hdr.h.a == 1 ? hdr.h.c : hdr.h.d) : exact @name("k"); }
        actions = { s; NoAction; }
        const entries = {
            3 : s(9);
        }
        default_action = NoAction();
    }

    apply {
        t.apply();
    }
}

MAIN
