// verify of a condition with ||; the error is kept in metadata.
#include "../include/blocks.p4"

header b_t {
    bit<8> v;
}

error { Bad }

struct Headers {
    b_t a;
    b_t b;
}

struct Meta {
    error e;
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        verify(hdr.a.v == 1 || hdr.a.v == 2, error.Bad);
        transition select(hdr.a.v) {
            1: one;
            2: accept;
        }
    }
    state one {
        pkt.extract(hdr.b);
        transition accept;
    }
}

INGRESS {
    apply {
        if (sm.parser_error == error.Bad) {
            hdr.b.setValid();
            hdr.b.v = 0xbb;
        }
        error e = sm.parser_error;
        meta.e = e;
        if (meta.e == error.NoError) hdr.a.v = 0;
    }
}

MAIN
