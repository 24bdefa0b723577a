// Action data of signed, bool and enum type.
#include "../include/one.p4"

enum bit<8> E { A = 0, B = 7 }

INGRESS {
    action s(int<8> a, bool b, E e, bit<16> f) {
        if (b) {
            hdr.h.a = (bit<8>)a;
        }
        hdr.h.b = e;
        hdr.h.x = f;
    }

    table t {
        key = { hdr.h.a : exact; }
        actions = { s; }
        const entries = {
            1 : s(-2, true, E.B, 16w0xffff);
        }
    }

    apply {
        t.apply();
    }
}

MAIN
