// A table's action writes what the next table's key reads.
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
    bit<8> next;
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
    action to_meta(bit<8> v) { m.next = v; }
    action set_d(bit<8> v) { h.d.d = v; }
    table first {
        key = { h.d.a : exact; }
        actions = { to_meta; }
        default_action = to_meta(0);
    }
    table second {
        key = { m.next : exact; h.d.b : exact; }
        actions = { set_d; NoAction; }
        default_action = NoAction();
    }
    apply {
        first.apply();
        second.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
