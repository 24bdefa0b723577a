// A struct without fields is made and compared.
#include "../include/one.p4"

struct E { }

INGRESS {
    apply {
        E e = {};
        E f = e;
        if (e == f) hdr.h.a = 5;
    }
}

MAIN
