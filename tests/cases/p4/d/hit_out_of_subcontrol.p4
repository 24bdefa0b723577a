// A sub-control gives its table's hit back by an out parameter.
#include "../include/one.p4"

control Sub(inout one_t h, out bool hit) {
    action set(bit<8> v) { h.a = v; }
    table t {
        key = { h.a : exact; h.isValid() : exact; }
        actions = { set; NoAction; }
        const entries = {
            (1, true) : set(9);
        }
        default_action = NoAction();
    }
    apply {
        hit = t.apply().hit;
    }
}

INGRESS {
    Sub() s;
    apply {
        bool hit;
        s.apply(hdr.h, hit);
        if (hit) {
            hdr.h.d = 0xdd;
        }
    }
}

MAIN
