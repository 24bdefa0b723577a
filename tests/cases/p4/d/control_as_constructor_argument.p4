// A control given to another's constructor, as an instance and in place.
#include "../include/one.p4"

control C(inout bit<8> v);
control In(inout bit<8> v) {
    apply {
        v = v + 2;
    }
}

control Sub(inout bit<8> v)(C c) {
    apply {
        c.apply(v);
    }
}

INGRESS {
    In() i;
    Sub(i) s;
    Sub(In()) s2;
    apply {
        s.apply(hdr.h.a);
        s2.apply(hdr.h.b);
    }
}

MAIN
