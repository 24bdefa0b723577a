// Default actions with bound arguments, with data, constant, absent; a miss runs each.
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
    action plus(inout bit<8> v, bit<8> k) { v = v + k; }
    action fixed() { h.d.c = 0xcc; }
    table t1 {
        key = { h.d.a : exact; }
        actions = { plus(h.d.b); }
        default_action = plus(h.d.b, 3);
    }
    table t2 {
        key = { h.d.a : lpm; }
        actions = { fixed; }
        const default_action = fixed();
    }
    table t3 {
        key = { h.d.a : ternary; }
        actions = { fixed; plus(h.d.d); }
    }
    apply {
        t1.apply();
        t2.apply();
        if (t3.apply().miss) {
            h.d.d = h.d.d | 0x80;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
