// Returns deep inside of ifs end the function there.
#include "../include/one.p4"

bit<8> grade(in bit<8> v, in bool strict) {
    bit<8> base = 0x40;
    if (v < 10) {
        if (strict) { return 1; }
        base = 2;
    } else if (v < 20) {
        return base + 3;
    } else {
        if (!strict)
            return 4;
    }
    base = base + 0x10;
    return base;
}

INGRESS {
    apply {
        hdr.h.d = grade(hdr.h.a, hdr.h.b == 1);
    }
}

MAIN
