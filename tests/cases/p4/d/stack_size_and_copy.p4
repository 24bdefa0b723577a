// A stack's size is a constant; stacks are copied and compared whole, validity included.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

header res_t {
    bit<8> n;
    bit<8> eq;
}

struct Headers {
    res_t     r;
    byte_t[2] x;
    byte_t[2] y;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.r);
        pkt.extract(hdr.x.next);
        transition select(hdr.r.n) {
            0: accept;
            default: more;
        }
    }
    state more {
        pkt.extract(hdr.x.next);
        transition accept;
    }
}

INGRESS {
    apply {
        byte_t[2] keep = hdr.x;
        hdr.y = keep;
        hdr.r.n = (bit<8>)hdr.x.size;
        hdr.r.eq = hdr.x == hdr.y ? 8w1 : 8w0;
        hdr.y[0].v = hdr.y[0].v + 1;
        if (hdr.x != hdr.y) {
            hdr.r.eq = hdr.r.eq | 0x80;
        }
    }
}

MAIN
