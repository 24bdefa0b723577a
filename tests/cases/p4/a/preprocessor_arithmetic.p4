// Arithmetic in #if: division, modulo, shifts, logic, true and numbers with suffix bases.
#include "../include/one.p4"

#define N(x) ((x) + 2)

INGRESS {
    apply {
    #if (7 / 2 == 3) && (7 % 4 == 3) && ((1 << 4 >> 2) == 4)
        hdr.h.a = 1;
    #else
        hdr.h.a = 2;
    #endif
    #if defined N && !defined(M) && N(2) > 3 ? 1 : 0
        hdr.h.b = N(1);
    #endif
    #ifndef M
    #define M 5
    #endif
    #if M != 5
        hdr.h.c = 1;
    #elif M == 0x5 || UNKNOWN
        hdr.h.c = 2;
    #elif 1
        hdr.h.c = 3;
    #endif
    }
}

MAIN
