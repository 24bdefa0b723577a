// What a state did before verify failed stands; what comes after is not done.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

struct Headers {
    byte_t a;
    byte_t b;
}

struct Meta {
    bit<8> x;
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        meta.x = 1;
        transition check;
    }
    state check {
        meta.x = meta.x + 1;
        verify(hdr.a.v != 0, error.ParserInvalidArgument);
        meta.x = meta.x + 0x10;
        pkt.extract(hdr.b);
        transition accept;
    }
}

INGRESS {
    apply {
        if (hdr.a.v == 0) {
            hdr.a.v = meta.x;
        } else {
            hdr.b.v = meta.x;
        }
        if (sm.parser_error == error.ParserInvalidArgument) {
            sm.egress_spec = 7;
        }
    }
}

MAIN
