// Annotations stand before the bodies of apply, an action, branches and cases.
#include "../include/one.p4"

INGRESS {
    action set(bit<8> x) @first @second(1) { hdr.h.b = x; }
    action none() { }
    table t {
        key = { hdr.h.a : exact; }
        actions = { set; none; }
        const entries = { 1 : set(2); }
        const default_action = none();
    }
    apply @atomic {
        if (hdr.h.b == 77) @unlikely { hdr.h.c = 1; } else @likely { hdr.h.c = 2; }
        switch (t.apply().action_run) {
            set : @hot { hdr.h.d = 3; }
            none : @cold[x = 1] { hdr.h.d = 4; }
        }
    }
}

MAIN
