// apply().hit as condition of a conditional expression.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.a = v; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { s; NoAction; }
        const entries = {
            1 : s(9);
        }
        default_action = NoAction();
    }

    apply {
        hdr.h.c = t.apply().hit ? 8w0xc1 : 8w0xc0;
    }
}

MAIN
