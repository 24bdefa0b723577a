// minSizeInBits and minSizeInBytes are constants.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.a = hdr.h.minSizeInBytes() == 12 ? 8w1 : 8w0;
        hdr.h.b = (bit<8>)hdr.h.minSizeInBits();
    }
}

MAIN
