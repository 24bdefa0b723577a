// States and fields named like methods and properties: apply, key, actions, size, type.
#include "../include/blocks.p4"

header w_t {
    bit<8> key;
    bit<8> actions;
    bit<8> entries;
    bit<8> size;
    bit<8> type;
}

struct Headers {
    w_t w;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.w);
        transition select(hdr.w.key) {
            1: actions;
            default: accept;
        }
    }
    state actions {
        hdr.w.size = 1;
        transition entries;
    }
    state entries {
        hdr.w.entries = 2;
        transition accept;
    }
}

INGRESS {
    apply {
        hdr.w.type = hdr.w.actions;
    }
}

MAIN
