// A header extracted twice holds the second; the first one's bytes are gone.
#include "../include/blocks.p4"

header x_t {
    bit<8> a;
    bit<8> b;
}

struct Headers {
    x_t x;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.x);
        transition select(hdr.x.a) {
            0: start;
            default: accept;
        }
    }
}

INGRESS {
    apply {
        hdr.x.b = hdr.x.b + 1;
    }
}

MAIN
