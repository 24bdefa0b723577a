// One label too many ends in error.StackOutOfBounds; the stack keeps what it has.
#include "../include/blocks.p4"

header lab_t {
    bit<7> v;
    bit<1> bos;
}

header note_t {
    bit<8> e;
}

struct Headers {
    lab_t[2] l;
    note_t   note;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.l.next);
        transition select(hdr.l.last.bos) {
            0: start;
            1: accept;
        }
    }
}

INGRESS {
    apply {
        if (sm.parser_error == error.StackOutOfBounds) {
            hdr.note.setValid();
            hdr.note.e = 0xee;
        } else if (sm.parser_error != error.NoError) {
            hdr.note.setValid();
            hdr.note.e = 0xff;
        }
    }
}

MAIN
