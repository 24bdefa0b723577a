// A new type over bool needs casts.
#include "../include/one.p4"

type bool flag_t;

INGRESS {
    apply {
        flag_t f = (flag_t)true;
        if ((bool)f) hdr.h.a = 9;
    }
}

MAIN
