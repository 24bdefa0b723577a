// Complement and xor of bit<1>.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<1> p = hdr.h.a[0:0];
        bit<1> q = ~p;
        hdr.h.b = 7w0 ++ q;
        p = p ^ 1;
        hdr.h.c = (bit<8>)p;
        if (p == 0 && q == 1w0) hdr.h.d = 0;
    }
}

MAIN
