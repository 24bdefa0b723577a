// lookahead of a tuple.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

struct Headers {
    b_t c;
}

struct Meta {
}

PARSER {
    state start {
        tuple<bit<8>, bit<8>> t = pkt.lookahead<tuple<bit<8>, bit<8>>>();
        pkt.extract(hdr.c);
        hdr.c.v = t[1];
        transition accept;
    }
}

INGRESS {
    apply { }
}

MAIN
