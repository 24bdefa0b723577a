// Parts of a constant struct in a struct.
#include "../include/one.p4"

struct f_t {
    bit<8> x;
    bit<8> y;
}

struct g_t {
    f_t f;
    bit<8> z;
}

const g_t G = { { 0x22, 0x33 }, 0x77 };

INGRESS {
    apply {
        hdr.h.a = G.f.x;
        f_t t = G.f;
        hdr.h.b = t.y;
        hdr.h.c = G.z;
    }
}

MAIN
