// Classes by one table, what is done to a class by another with a constant default.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct Headers {
    data_t d;
}

struct Meta {
    bit<4> cls;
    bit<1> mark;
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.d);
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
        b.emit(h.d);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action classify(bit<4> cls, bit<1> mark) {
        m.cls = cls;
        m.mark = mark;
    }
    action police(bit<8> to) {
        h.d.d = to;
    }
    action discard() {
        mark_to_drop(sm);
    }
    table classes {
        key = {
            h.d.a       : range;
            h.d.b[7:6]  : exact @name("dscp_top");
        }
        actions = { classify; }
        const default_action = classify(0, 0);
    }
    table policies {
        key = {
            m.cls  : exact;
            m.mark : optional;
        }
        actions = { police; discard; NoAction; }
        const entries = {
            (1, 1) : police(0x11);
            (1, _) : police(0x10);
            (2, _) : discard();
        }
        const default_action = NoAction();
    }
    apply {
        classes.apply();
        policies.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
