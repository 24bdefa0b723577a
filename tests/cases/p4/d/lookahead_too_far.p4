// lookahead beyond the end is error.PacketTooShort and takes nothing.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

header w_t {
    bit<16> v;
}

struct Headers {
    byte_t b;
    w_t    note;
}

struct Meta {
    bit<24> seen;
}

PARSER {
    state start {
        pkt.extract(hdr.b);
        meta.seen = pkt.lookahead<bit<24>>();
        transition accept;
    }
}

INGRESS {
    apply {
        hdr.note.setValid();
        if (sm.parser_error == error.PacketTooShort) {
            hdr.note.v = 0xdead;
        } else {
            hdr.note.v = meta.seen[23:8];
        }
    }
}

MAIN
