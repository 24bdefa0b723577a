// Tables without braces in if and else.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.a = v; }
    table t {
        actions = { s; }
        default_action = s(3);
    }

    table u {
        actions = { s; }
        const default_action = s(4);
    }

    apply {
        if (hdr.h.b == 2) t.apply();
        else u.apply();
    }
}

MAIN
