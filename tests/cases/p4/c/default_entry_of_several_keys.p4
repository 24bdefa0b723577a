// One `_` or `default` stands for all keys of an entry.
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
    action set_d(bit<8> v) {
        h.d.d = v;
    }
    action set_c(bit<8> v) {
        h.d.c = v;
    }
    table t {
        key = { h.d.a : ternary; h.d.b : ternary; }
        actions = { set_d; }
        const entries = {
            (1, 2) : set_d(0x12);
            (1, _) : set_d(0x10);
            _      : set_d(0x99);
        }
        default_action = set_d(0xff);
    }
    table u {
        key = { h.d.a : ternary; h.d.b : lpm; }
        actions = { set_c; }
        const entries = {
            (2, 0xf0 &&& 0xf0) : set_c(1);
            default            : set_c(2);
        }
        default_action = set_c(3);
    }
    apply {
        t.apply();
        u.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
