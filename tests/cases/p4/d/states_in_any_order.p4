// States stand in any order; start need not be the first.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

struct Headers {
    b_t[3] a;
}

struct Meta {
}

PARSER {
    state two {
        transition select(hdr.a.lastIndex) {
            2: accept;
            default: start;
        }
    }
    state start {
        pkt.extract(hdr.a.next);
        transition two;
    }
}

INGRESS {
    apply { }
}

MAIN
