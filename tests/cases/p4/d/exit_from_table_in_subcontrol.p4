// A table in an inner control whose action exits; the inner control's changes stand.
#include "../include/blocks.p4"

header byte_t {
    bit<8> v;
}

control Guard(inout byte_t x, inout standard_metadata_t sm) {
    action deny() {
        x.v = 0xdd;
        exit;
    }
    action allow(bit<9> port) {
        sm.egress_spec = port;
    }
    table acl {
        key = { x.v : exact; }
        actions = { deny; allow; }
        const entries = {
            0xbd : deny();
            0x01 : allow(1);
        }
        const default_action = allow(2);
    }
    apply {
        acl.apply();
    }
}

struct Headers {
    byte_t a;
    byte_t b;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.a);
        pkt.extract(hdr.b);
        transition accept;
    }
}

INGRESS {
    Guard() guard;
    apply {
        guard.apply(hdr.a, sm);
        hdr.b.v = hdr.b.v + 1;
    }
}

MAIN
