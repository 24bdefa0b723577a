// A select without a fitting case in a sub-parser.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

parser L2(packet_in p, out b_t x) {
    state start {
        p.extract(x);
        transition select(x.v) {
            1: accept;
            2: other;
        }
    }
    state other {
        x.v = 7;
        transition accept;
    }
}

struct Headers {
    b_t a;
    b_t b;
}

struct Meta {
}

PARSER {
    L2() k;
    state start {
        k.apply(pkt, hdr.a);
        pkt.extract(hdr.b);
        transition accept;
    }
}

INGRESS {
    apply {
        if (sm.parser_error == error.NoMatch) sm.egress_spec = 4;
    }
}

MAIN
