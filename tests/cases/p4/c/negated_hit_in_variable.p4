// The negated hit of a table in a variable.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.b = v; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { s; NoAction; }
        const entries = {
            1 : s(1);
        }
        default_action = NoAction();
    }

    apply {
        bool m = !t.apply().hit;
        if (m || hdr.h.b == 1) hdr.h.c = 9;
    }
}

MAIN
