// Structs whose fields are headers, copied as a whole.
#include "../include/one.p4"

struct p_t {
    one_t a;
    one_t b;
}

INGRESS {
    apply {
        p_t p = { hdr.h, hdr.h };
        p.a.a = 9;
        p_t q = p;
        q.b = q.a;
        hdr.h = q.b;
    }
}

MAIN
