// A table's action with a bound inout argument exits: the argument still comes out.
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
    action leave(inout bit<8> v, bit<8> k) {
        v = v + k;
        if (k == 2) {
            exit;
        }
        v = v + 0x10;
    }
    table t {
        key = { h.d.a : exact; }
        actions = { leave(h.d.b); NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
        h.d.c = 0xcc;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
