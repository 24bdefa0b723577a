// A register keeps its value from packet to packet.
#include "../include/one.p4"

INGRESS {
    register<bit<8>>(4) r;
    apply {
        bit<8> v;
        r.read(v, 1);
        v = v + 5;
        r.write(1, v);
        r.read(hdr.h.a, (bit<32>)hdr.h.a);
    }
}

MAIN
