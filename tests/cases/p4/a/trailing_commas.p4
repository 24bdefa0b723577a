// A comma behind the last member of enums and errors.
#include "../include/one.p4"

enum E { A, B, C, }
error { X1, X2, }

INGRESS {
    apply {
        E e = E.B;
        if (e == E.B) hdr.h.a = 7;
    }
}

MAIN
