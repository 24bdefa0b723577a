// Structs in structs are compared field by field.
#include "../include/one.p4"

struct i_t {
    bit<8> x;
    bit<8> y;
}

struct o_t {
    i_t i;
    bit<8> z;
}

INGRESS {
    apply {
        o_t p = { { 1, 2 }, 3 };
        o_t q = { { 1, 2 }, 3 };
        if (p == q) hdr.h.a = 0;
        q.i.y = 5;
        if (p != q) hdr.h.b = 0;
    }
}

MAIN
