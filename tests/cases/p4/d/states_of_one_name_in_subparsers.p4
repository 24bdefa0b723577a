// Sub-parsers in sub-parsers, all with states of the same names.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

parser L2(packet_in p, out b_t x) {
    state start {
        p.extract(x);
        transition next;
    }
    state next {
        x.v = x.v + 1;
        transition accept;
    }
}

parser L1(packet_in p, out b_t x, out b_t y) {
    L2() l;
    L2() k;
    state start {
        l.apply(p, x);
        transition next;
    }
    state next {
        k.apply(p, y);
        y.v = y.v + 1;
        transition accept;
    }
}

struct Headers {
    b_t a;
    b_t b;
    b_t c;
}

struct Meta {
}

PARSER {
    L1() l;
    L2() k;
    state start {
        l.apply(pkt, hdr.a, hdr.b);
        transition next;
    }
    state next {
        k.apply(pkt, hdr.c);
        transition select(hdr.c.v) {
            0: next2;
            default: accept;
        }
    }
    state next2 {
        hdr.c.v = 9;
        transition accept;
    }
}

INGRESS {
    apply { }
}

MAIN
