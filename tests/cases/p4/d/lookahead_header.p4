// lookahead of a header and of a struct: fields are read, nothing is taken.
#include "../include/blocks.p4"

header tl_t {
    bit<8> t;
    bit<8> l;
}

struct peek_t {
    bit<16> skip;
    bit<4>  hi;
    bit<4>  lo;
}

header out_t {
    bit<8> t;
    bit<8> l;
    bit<8> hi;
    bit<8> lo;
}

struct Headers {
    out_t o;
    tl_t  tl;
}

struct Meta {
}

PARSER {
    state start {
        tl_t p = pkt.lookahead<tl_t>();
        peek_t q = pkt.lookahead<peek_t>();
        hdr.o.setValid();
        hdr.o.t = p.t;
        hdr.o.l = p.l;
        hdr.o.hi = 4w0 ++ q.hi;
        hdr.o.lo = 4w0 ++ q.lo;
        pkt.extract(hdr.tl);
        transition accept;
    }
}

INGRESS {
    apply {
        hdr.tl.t = 0;
    }
}

MAIN
