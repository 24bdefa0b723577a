// A signed key with negative entries, and signed action data.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v, int<8> w) {
        hdr.h.a = v;
        hdr.h.b = (bit<8>)w;
    }

    table t {
        key = { (int<8>)hdr.h.a - 2 : exact @name("k"); }
        actions = { s; NoAction; }
        const entries = {
            -1 : s(9, -3);
            0 : s(8, 1);
        }
        default_action = NoAction();
    }

    apply {
        t.apply();
    }
}

MAIN
