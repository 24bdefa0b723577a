// Slices as inout arguments of an action.
#include "../include/one.p4"

INGRESS {
    action f(inout bit<4> v) { v = v + 1; }
    apply {
        f(hdr.h.a[3:0]);
        f(hdr.h.x[15:12]);
    }
}

MAIN
