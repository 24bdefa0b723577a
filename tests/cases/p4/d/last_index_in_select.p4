// lastIndex in the expression of a select.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

struct Headers {
    b_t[4] s;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.s.next);
        transition select(hdr.s.lastIndex + 1) {
            3: accept;
            default: start;
        }
    }
}

INGRESS {
    apply {
        hdr.s[3].setValid();
        hdr.s[3].v = hdr.s[0].v ^ hdr.s[1].v ^ hdr.s[2].v;
    }
}

MAIN
