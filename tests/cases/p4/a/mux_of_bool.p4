// Conditional expressions over bool values and validity.
#include "../include/one.p4"

INGRESS {
    apply {
        bool big = hdr.h.x >= 0x8000;
        bool odd = hdr.h.y[0:0] == 1;
        bool pick = hdr.h.isValid() ? big : odd;
        hdr.h.a = pick ? 8w0xaa : 8w0x55;
        hdr.h.b = (big && odd) ? 8w3 : (big || odd) ? 8w1 : 8w0;
    }
}

MAIN
