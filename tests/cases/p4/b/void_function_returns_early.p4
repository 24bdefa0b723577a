// return without a value ends a void function; copies still go out.
#include "../include/one.p4"

void saturate(inout bit<8> v, in bit<8> by) {
    bit<9> sum = (bit<9>)v + (bit<9>)by;
    v = 0xff;
    if (sum[8:8] == 1) {
        return;
    }
    v = sum[7:0];
}

INGRESS {
    apply {
        saturate(hdr.h.a, hdr.h.b);
        saturate(hdr.h.c, 0x80);
    }
}

MAIN
