// Parameters with default values may be left out.
#include "../include/one.p4"

bit<8> scale(in bit<8> v, in bit<8> times = 2, in bit<8> plus = 1) {
    return v * times + plus;
}

INGRESS {
    apply {
        hdr.h.a = scale(hdr.h.a);
        hdr.h.b = scale(hdr.h.b, 4);
        hdr.h.c = scale(v = hdr.h.c, plus = 9);
    }
}

MAIN
