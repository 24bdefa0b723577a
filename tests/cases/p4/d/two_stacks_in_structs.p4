// Two stacks inside of structs are filled in turn.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

struct in_t {
    b_t[2] l;
}

struct Headers {
    in_t i;
    in_t j;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.i.l.next);
        pkt.extract(hdr.j.l.next);
        transition select(hdr.i.l.last.v, hdr.j.l.last.v) {
            (0, 0): start;
            (_, _): accept;
        }
    }
}

INGRESS {
    apply { }
}

MAIN
