// A generic control type as constructor parameter.
#include "../include/blocks.p4"

control C<T>(inout T v);
control Inc(inout bit<8> v) {
    apply {
        v = v + 1;
    }
}

control Sub(inout bit<8> v)(C<bit<8>> c) {
    apply {
        c.apply(v);
        c.apply(v);
    }
}

header b_t {
    bit<8> v;
}

struct Headers {
    b_t a;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        transition accept;
    }
}

INGRESS {
    Sub(Inc()) s;
    apply {
        s.apply(hdr.a.v);
    }
}

MAIN
