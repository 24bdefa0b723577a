// Keys that are constants.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.b = v; }
    table t {
        key = { 8w5 : exact @name("k"); true : exact @name("j"); }
        actions = { s; NoAction; }
        const entries = {
            (5, true) : s(9);
        }
        default_action = NoAction();
    }

    apply {
        t.apply();
    }
}

MAIN
