// Slices and fields of what lookahead gives, in a select and in an assignment.
#include "../include/blocks.p4"

header x_t {
    bit<8> a;
    bit<8> b;
}

header n_t {
    bit<8> v;
}

struct Headers {
    n_t n;
    x_t x;
}

struct Meta {
}

PARSER {
    state start {
        hdr.n.setValid();
        hdr.n.v = pkt.lookahead<x_t>().b;
        transition select(pkt.lookahead<bit<16>>()[11:8]) {
            5: take;
            default: accept;
        }
    }
    state take {
        pkt.extract(hdr.x);
        transition accept;
    }
}

INGRESS {
    apply {
        if (hdr.x.isValid()) {
            hdr.x.a = 0xee;
        }
    }
}

MAIN
