// A stack goes through functions and controls as inout.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

void reverse(inout byte_t[3] s) {
    byte_t t = s[0];
    s[0] = s[2];
    s[2] = t;
}

bit<8> sum(in byte_t[3] s) {
    bit<8> r = 0;
    if (s[0].isValid()) { r = r + s[0].v; }
    if (s[1].isValid()) { r = r + s[1].v; }
    if (s[2].isValid()) { r = r + s[2].v; }
    return r;
}

struct Headers {
    byte_t[3] s;
    byte_t    total;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        transition accept;
    }
}

INGRESS {
    apply {
        hdr.total.setValid();
        hdr.total.v = sum(hdr.s);
        reverse(hdr.s);
        if (!hdr.s[0].isValid() && hdr.s[2].isValid()) {
            hdr.s[2].v = hdr.s[2].v | 0x80;
        }
    }
}

MAIN
