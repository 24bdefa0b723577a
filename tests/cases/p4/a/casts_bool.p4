// bool and bit<1> are cast into each other.
#include "../include/one.p4"

INGRESS {
    apply {
        bool top = (bool)hdr.h.a[7:7];
        bit<1> same = (bit<1>)(hdr.h.b == hdr.h.c);
        hdr.h.d = 6w0 ++ (bit<1>)top ++ same;
        if ((bool)same) {
            hdr.h.x = 0x0e0e;
        }
    }
}

MAIN
