// Entries and defaults that repeat the bound arguments.
#include "../include/one.p4"

INGRESS {
    action a(in bit<8> x, out bit<8> y) { y = x; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { a(hdr.h.b, hdr.h.c); @defaultonly NoAction; }
        const entries = {
            1 : a(hdr.h.b, hdr.h.c);
        }
        const default_action = NoAction;
    }

    apply {
        t.apply();
    }
}

MAIN
