// Lists are arguments for struct and tuple parameters; a function gives a tuple back.
#include "../include/one.p4"

struct two_t {
    bit<8> l;
    bit<8> r;
}

tuple<bit<8>, bit<16>> flip(in tuple<bit<16>, bit<8>> t) {
    return { t[1], t[0] };
}

bit<8> total(in two_t t) {
    return t.l + t.r;
}

INGRESS {
    apply {
        tuple<bit<8>, bit<16>> t = flip({ hdr.h.x, hdr.h.a });
        hdr.h.b = t[0];
        hdr.h.y = t[1];
        hdr.h.c = total({ 1, hdr.h.a });
    }
}

MAIN
