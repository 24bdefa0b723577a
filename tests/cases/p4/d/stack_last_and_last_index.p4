// last is the element extracted last, lastIndex its number.
#include "../include/blocks.p4"

header lab_t {
    bit<7> v;
    bit<1> bos;
}

header sum_t {
    bit<8> last;
    bit<8> index;
}

struct Headers {
    lab_t[4] l;
    sum_t    s;
}

struct Meta {
    bit<7> last;
    bit<8> index;
}

PARSER {
    state start {
        pkt.extract(hdr.l.next);
        meta.last = hdr.l.last.v;
        meta.index = (bit<8>)hdr.l.lastIndex;
        transition select(hdr.l.last.bos) {
            0: start;
            1: accept;
        }
    }
}

INGRESS {
    apply {
        hdr.s.setValid();
        hdr.s.last = (bit<8>)meta.last;
        hdr.s.index = meta.index;
    }
}

MAIN
