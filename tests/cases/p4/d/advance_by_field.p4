// advance by a number computed from a field, and past the end.
#include "../include/blocks.p4"

header len_t {
    bit<8> n;
}

header byte_t {
    bit<8> v;
}

struct Headers {
    len_t  l;
    byte_t t;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.l);
        pkt.advance((bit<32>)hdr.l.n << 3);
        pkt.extract(hdr.t);
        transition accept;
    }
}

INGRESS {
    apply {
        if (sm.parser_error == error.PacketTooShort) {
            hdr.l.n = 0xee;
        }
        if (hdr.t.isValid()) {
            hdr.t.v = ~hdr.t.v;
        }
    }
}

MAIN
