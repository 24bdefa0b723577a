// apply().hit as an argument; a later argument sees what the action did.
#include "../include/one.p4"

bit<8> f(in bool b, in bit<8> v) {
    return b ? v + 1 : v;
}

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
        hdr.h.c = f(t.apply().hit, hdr.h.a);
    }
}

MAIN
