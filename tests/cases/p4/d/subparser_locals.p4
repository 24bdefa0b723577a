// Variables of a sub-parser start anew with each apply.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

parser Twice(packet_in pkt, out byte_t x, out bit<8> n) {
    bit<8> tries = 1;
    state start {
        pkt.extract(x);
        tries = tries + 1;
        transition select(tries) {
            1 .. 2: start;
            default: done;
        }
    }
    state done {
        n = tries;
        transition accept;
    }
}

struct Headers {
    byte_t a;
    byte_t b;
}

struct Meta {
    bit<16> sum;
}

PARSER {
    Twice() t;
    bit<8> n1;
    bit<8> n2;
    state start {
        t.apply(pkt, hdr.a, n1);
        t.apply(pkt, hdr.b, n2);
        meta.sum = n1 ++ n2;
        transition accept;
    }
}

INGRESS {
    apply {
        if (meta.sum == 0x0303) {
            sm.egress_spec = 3;
        }
    }
}

MAIN
