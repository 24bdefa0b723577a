// Elements of a stack set by lookahead.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

struct Headers {
    b_t[3] a;
    b_t c;
}

struct Meta {
}

PARSER {
    state start {
        hdr.a[0] = pkt.lookahead<b_t>();
        hdr.a[2] = pkt.lookahead<b_t>();
        pkt.extract(hdr.c);
        transition accept;
    }
}

INGRESS {
    apply {
        hdr.a[2].v = hdr.a[2].v + 1;
    }
}

MAIN
