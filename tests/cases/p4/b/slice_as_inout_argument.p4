// A slice as inout argument: only its bits change.
#include "../include/one.p4"

void incr(inout bit<4> n) {
    n = n + 1;
}

void rot(inout bit<16> v) {
    v = v[7:0] ++ v[15:8];
}

INGRESS {
    apply {
        incr(hdr.h.a[3:0]);
        incr(hdr.h.b[7:4]);
        incr(hdr.h.x[11:8]);
        rot(hdr.h.w[23:8]);
    }
}

MAIN
