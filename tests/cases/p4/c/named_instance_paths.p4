// @name on an instance is part of the path of its tables.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Map(inout bit<8> v) {
    action set(bit<8> x) { v = x; }
    table t {
        key = { v : exact @name("value"); }
        actions = { set; NoAction; }
        default_action = NoAction();
    }
    apply { t.apply(); }
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
    @name("first") Map() m1;
    @name("second.deep") Map() m2;
    apply {
        m1.apply(h.d.a);
        m2.apply(h.d.b);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
