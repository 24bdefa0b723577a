// Switches on actions in each other; a local of an action's name; return and exit inside.
#include "../include/one.p4"

INGRESS {
    action a1() { hdr.h.a = 0xa1; }
    action a2() { hdr.h.a = 0xa2; }
    table t1 {
        key = { hdr.h.b : exact; }
        actions = { a1; a2; NoAction; }
        const entries = {
            2 : a1();
            3 : a2();
        }
        default_action = NoAction();
    }

    table t2 {
        key = { hdr.h.a : exact; }
        actions = { a1; a2; NoAction; }
        const entries = {
            0xa1 : a2();
        }
        default_action = NoAction();
    }

    apply {
        switch (t1.apply().action_run) {
            a1: {
                bit<8> a1 = 5;
                switch (t2.apply().action_run) {
                    a1: { hdr.h.c = 1; }
                    a2: {
                        if (hdr.h.d == 4) {
                            hdr.h.c = 2 + a1;
                            return;
                        }
                    }
                    default: { hdr.h.c = 3; }
                }
            }
            default: { exit; }
        }
        hdr.h.d = 0;
    }
}

MAIN
