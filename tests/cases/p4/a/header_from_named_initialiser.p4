// A whole header is set from an initialiser with field names.
#include "../include/one.p4"

INGRESS {
    apply {
        hdr.h = (one_t){ a = 9, b = 8, c = 7, d = 6, x = 5, y = 4, w = 3 };
    }
}

MAIN
