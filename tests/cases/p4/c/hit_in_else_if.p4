// Tables applied in an if and in its else if.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.b = v; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { s; NoAction; }
        const entries = {
            5 : s(1);
        }
        default_action = NoAction();
    }

    table u {
        key = { hdr.h.a : exact; }
        actions = { s; NoAction; }
        const entries = {
            1 : s(2);
        }
        default_action = NoAction();
    }

    apply {
        if (t.apply().hit) {
            hdr.h.c = 1;
        } else if (u.apply().hit) {
            hdr.h.c = 2;
        } else {
            hdr.h.c = 3;
        }
    }
}

MAIN
