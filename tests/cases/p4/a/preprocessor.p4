// Function-like macros, conditionals, undef, line continuation and an include of its own.
#define WIDTH 8
#define LIMIT(n) ((n) * 2)
#define FIELD(name) hdr.h.name
#define BUMP(name, by) \
    FIELD(name) = FIELD(name) + by
#define OLD
#undef OLD

#if WIDTH == 8 && !defined(OLD)
#define PICK 0x11
#elif WIDTH > 8
#define PICK 0x22
#else
#define PICK 0x33
#endif

#include "../include/one.p4"

INGRESS {
    apply {
        bit<WIDTH> lim = LIMIT(1 + 2);
        BUMP(a, lim);
        BUMP(b, PICK);
#ifdef OLD
        FIELD(c) = 1;
#else
        FIELD(c) = 2;
#endif
#if 0
        this is not even P4 ' "
#endif
        /* a comment with // inside */ FIELD(d) = FIELD(a); // and one at the end
    }
}

MAIN
