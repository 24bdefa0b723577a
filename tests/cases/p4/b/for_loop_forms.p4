// For loops without init and update, and with two variables.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> n = 0;
        for (; n < 5;) {
            n = n + 2;
        }
        hdr.h.a = n;
        for (bit<8> i = 0, bit<8> j = 10; i < j; i = i + 1, j = j - 1) {
            hdr.h.b = i;
        }
    }
}

MAIN
