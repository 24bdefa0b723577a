// return inside a switch on the action that ran.
#include "../include/one.p4"

INGRESS {
    action s() { hdr.h.b = 8; }
    action r() { hdr.h.b = 9; }
    table t {
        key = { hdr.h.a : exact; }
        actions = { s; r; }
        const entries = {
            1 : s();
        }
        default_action = r();
    }

    apply {
        switch (t.apply().action_run) {
            r: { hdr.h.c = 1; }
            s: { return; }
            default: { hdr.h.c = 2; }
        }
        hdr.h.d = 0;
    }
}

MAIN
