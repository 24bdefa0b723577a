// A switch on an expression in another.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> r = 0;
        switch (hdr.h.a) {
            1: {
                switch (hdr.h.b) {
                    1: { r = 11; }
                    2: { r = 12; }
                }
            }
            default: { r = 99; }
        }
        hdr.h.c = r;
    }
}

MAIN
