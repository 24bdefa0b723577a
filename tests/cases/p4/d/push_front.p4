// push_front moves elements to higher indices; those that fall off the end are lost, the new ones invalid.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
}

header byte_t {
    bit<8> v;
}

struct Headers {
    op_t op;
    byte_t[3] s;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.op);
        b.extract(h.s.next);
        b.extract(h.s.next);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.op);
        b.emit(h.s);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.op.op == 1) {
            h.s.push_front(1);
            h.s[0].setValid();
            h.s[0].v = 0x11;
        } else if (h.op.op == 2) {
            h.s.push_front(2);
            h.s[0].setValid();
            h.s[0].v = 0x22;
        } else if (h.op.op == 3) {
            h.s.push_front(3);
        } else if (h.op.op == 4) {
            h.s.push_front(1);
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
