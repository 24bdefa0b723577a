// An action that exits: the switch on it is not run.
#include "../include/one.p4"

INGRESS {
    action s() {
        hdr.h.b = 8;
        exit;
    }

    table t {
        key = { hdr.h.a : exact; }
        actions = { s; }
        const entries = {
            1 : s();
        }
    }

    apply {
        switch (t.apply().action_run) {
            s: { hdr.h.c = 1; }
        }
        hdr.h.d = 0;
    }
}

MAIN
