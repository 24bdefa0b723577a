// apply().hit in the initialiser of a bool.
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
        bool r = t.apply().hit || hdr.h.b == 0;
        hdr.h.c = r ? 8w0xcc : 8w0;
    }
}

MAIN
