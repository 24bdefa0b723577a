// Constructor parameters of parsers: two instances that differ.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

parser Skip(packet_in pkt, out byte_t x)(bit<32> bytes, bit<8> mark) {
    state start {
        pkt.advance(bytes * 8);
        pkt.extract(x);
        x.v = x.v + mark;
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
    Skip(1, 0x10) one;
    Skip(bytes = 2, mark = 0x20) two;
    state start {
        one.apply(pkt, hdr.a);
        two.apply(pkt, hdr.b);
        transition accept;
    }
}

INGRESS {
    apply { }
}

MAIN
