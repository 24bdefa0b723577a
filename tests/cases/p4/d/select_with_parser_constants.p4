// Constants and variables of a parser in select.
#include "../include/blocks.p4"

const bit<8> K = 3;
header b_t {
    bit<8> v;
}

struct Headers {
    b_t a;
    b_t b;
}

struct Meta {
}

PARSER {
    const bit<8> L = K + 1;
    bit<8> cnt = L;
    state start {
        pkt.extract(hdr.a);
        cnt = cnt - hdr.a.v;
        transition select(cnt, hdr.a.v == 1) {
            (L - 1, true): go;
            (K, _): reject;
            (_, false): accept;
            default: accept;
        }
    }
    state go {
        pkt.extract(hdr.b);
        hdr.b.v = cnt;
        transition accept;
    }
}

INGRESS {
    apply { }
}

MAIN
