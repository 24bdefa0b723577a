// Variables of a control start anew each time that it is applied.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

control Count(inout bit<8> out1) {
    bit<8> n = 5;
    bit<8> z;
    apply {
        n = n + 1;
        z = z + 1;
        out1 = n + z;
    }
}

struct Headers {
    byte_t a;
    byte_t b;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        pkt.extract(hdr.b);
        transition accept;
    }
}

INGRESS {
    Count() c;
    apply {
        c.apply(hdr.a.v);
        c.apply(hdr.b.v);
    }
}

MAIN
