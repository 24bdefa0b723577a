// if and else inside of a parser state.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

struct Headers {
    byte_t a;
    byte_t b;
}

struct Meta {
    bool big;
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        if (hdr.a.v > 0x7f) {
            meta.big = true;
            pkt.extract(hdr.b);
        } else {
            hdr.a.v = hdr.a.v + 1;
        }
        transition accept;
    }
}

INGRESS {
    apply {
        if (meta.big) {
            hdr.b.v = 0;
        }
    }
}

MAIN
