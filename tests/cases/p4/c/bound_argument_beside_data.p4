// A bound in argument beside action data in the default action.
#include "../include/one.p4"

INGRESS {
    action s(in bit<8> v, bit<8> k) { hdr.h.b = v + k; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { s(hdr.h.c); }
        default_action = s(hdr.h.c, 5);
    }

    apply {
        t.apply();
    }
}

MAIN
