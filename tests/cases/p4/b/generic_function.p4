// A generic function, its type inferred or given.
#include "../include/one.p4"

T pick<T>(in bool c, in T yes, in T no) {
    if (c) {
        return yes;
    }
    return no;
}

INGRESS {
    apply {
        hdr.h.a = pick(hdr.h.b == 0, hdr.h.c, hdr.h.d);
        hdr.h.x = pick<bit<16>>(hdr.h.b == 1, hdr.h.y, 16w0xffff);
        bool t = pick(hdr.h.c > hdr.h.d, true, hdr.h.b == 9);
        hdr.h.w = t ? pick(true, 32w5, 32w6) : hdr.h.w;
    }
}

MAIN
