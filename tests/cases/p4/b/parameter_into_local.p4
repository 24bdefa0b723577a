// An action's parameter goes by a local into a field.
#include "../include/one.p4"

INGRESS {
    action a(bit<8> hdr_a) {
        bit<8> hdr_b = hdr_a;
        hdr.h.a = hdr_b;
    }

    apply {
        a(4);
    }
}

MAIN
