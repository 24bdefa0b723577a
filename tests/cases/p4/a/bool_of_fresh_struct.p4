// A bool in a struct without a value is false.
#include "../include/one.p4"

struct s_t {
    bool b;
    bit<7> r;
}

INGRESS {
    apply {
        s_t s;
        if (s.b) {
            hdr.h.a = 9;
        } else {
            hdr.h.a = 8;
        }
        s_t q = s;
        q.b = !q.b;
        if (q.b) hdr.h.b = 9;
    }
}

MAIN
