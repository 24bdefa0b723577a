// Constants of 128 bits are multiplied and shifted when compiling.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h.w = (bit<32>)((128w0xffffffffffffffffffffffffffffffff * 128w2) >> 100);
        hdr.h.x = (bit<16>)(64w0x123456789abcdef0 >> 44);
    }
}

MAIN
