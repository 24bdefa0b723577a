// A key that is a call changes what a later key reads.
#include "../include/one.p4"

bit<8> f(inout bit<8> v) {
    v = v + 1;
    return v;
}

INGRESS {
    action s(bit<8> v) { hdr.h.b = v; }
    table t {
        key = { f(hdr.h.a) : exact @name("k"); hdr.h.a : exact; }
        actions = { s; NoAction; }
        const entries = {
            (2, 2) : s(9);
        }
        default_action = NoAction();
    }

    apply {
        t.apply();
    }
}

MAIN
