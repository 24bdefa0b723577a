// A parser applied by its type, with a constructor of no arguments, and one inside of another.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

parser Inner(packet_in pkt, out byte_t x) {
    state start {
        pkt.extract(x);
        x.v = x.v ^ 0xff;
        transition accept;
    }
}

parser Outer(packet_in pkt, out byte_t x, out byte_t y) {
    state start {
        Inner.apply(pkt, x);
        transition select(x.v) {
            0: accept;
            default: more;
        }
    }
    state more {
        Inner.apply(pkt, y);
        transition accept;
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
        Outer.apply(pkt, hdr.a, hdr.b);
        transition accept;
    }
}

INGRESS {
    apply {
        if (!hdr.b.isValid()) {
            sm.egress_spec = 5;
        }
    }
}

MAIN
