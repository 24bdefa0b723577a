// A header argument carries its validity into and out of a function.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
}

header v_t {
    bit<8> v;
}

void toggle(inout v_t x, in bit<8> v) {
    if (x.isValid()) {
        x.setInvalid();
    } else {
        x.setValid();
        x.v = v;
    }
}

bool both(in v_t l, in v_t r) {
    return l.isValid() && r.isValid();
}

struct Headers {
    op_t op;
    v_t one;
    v_t two;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.op);
        pkt.extract(h.one);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.op.op == 0) {
            toggle(h.one, 1);
        } else if (h.op.op == 1) {
            toggle(h.two, 0x22);
        } else if (h.op.op == 2) {
            toggle(h.two, 0x33);
            toggle(h.one, 0x44);
            toggle(h.one, 0x55);
        }
        if (both(h.one, h.two)) {
            h.op.op = 0xbb;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
