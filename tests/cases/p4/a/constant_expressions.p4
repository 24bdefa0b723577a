// Constants made by casts, comparisons, slices, concatenation; of structs and tuples.
#include "../include/one.p4"

const bit<8> X = (bit<8>)16w0x1201;
const bool B = X == 1;
struct f_t {
    bit<8> x;
    bit<8> y;
}

const f_t F = { 0x22, 0x33 };
const bit<4> S4 = 8w0x34[3:0];
const bit<16> CC = 8w0x12 ++ 8w0x34;
const tuple<bit<8>, bit<8>> T = { 1, 0x77 };

INGRESS {
    apply {
        hdr.h.a = B ? X : 8w0;
        hdr.h.b = F.y;
        hdr.h.c = (bit<8>)S4;
        hdr.h.x = CC;
        hdr.h.d = T[1];
    }
}

MAIN
