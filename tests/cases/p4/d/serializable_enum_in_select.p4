// A select over a field of serializable enum type.
#include "../include/blocks.p4"

enum bit<8> Proto {
    ICMP = 1,
    TCP = 6,
    UDP = 0x11
}

header p_t {
    Proto proto;
}

header x_t {
    bit<8> v;
}

struct Headers {
    p_t p;
    x_t x;
    x_t y;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.p);
        transition select(hdr.p.proto) {
            Proto.TCP: two;
            Proto.UDP: one;
            Proto.ICMP: accept;
        }
    }
    state two {
        pkt.extract(hdr.x);
        transition one;
    }
    state one {
        pkt.extract(hdr.y);
        transition accept;
    }
}

INGRESS {
    apply {
        if (sm.parser_error == error.NoMatch) {
            hdr.p.proto = Proto.TCP;
            sm.egress_spec = 1;
        }
        if (hdr.x.isValid()) { hdr.x.v = 0xaa; }
        if (hdr.y.isValid()) { hdr.y.v = 0xbb; }
    }
}

MAIN
