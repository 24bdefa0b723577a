// A local counter of the parser bounds a loop; it starts anew with each packet.
#include "../include/blocks.p4"

header n_t {
    bit<8> n;
}

header byte_t {
    bit<8> v;
}

struct Headers {
    n_t       n;
    byte_t[8] s;
}

struct Meta {
}

PARSER {
    bit<8> left = 0;
    state start {
        pkt.extract(hdr.n);
        left = hdr.n.n;
        transition loop;
    }
    state loop {
        transition select(left) {
            0: accept;
            default: item;
        }
    }
    state item {
        pkt.extract(hdr.s.next);
        left = left - 1;
        transition loop;
    }
}

INGRESS {
    apply {
        hdr.n.n = hdr.s[2].isValid() ? 8w3 : 8w0;
    }
}

MAIN
