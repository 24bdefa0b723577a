// Keys by $valid$, by slice, by short name, with stars, prefixes and positional action data.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

header i_t {
    bit<32> ip;
}

struct Headers {
    data_t d;
    i_t i;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.d);
        transition select(h.d.a) {
            0: accept;
            default: more;
        }
    }
    state more {
        b.extract(h.i);
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
        b.emit(h.i);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action s(bit<8> v, bit<9> p) {
        h.d.d = v;
        sm.egress_spec = p;
    }
    table t {
        key = { h.i.isValid() : exact; h.d.a : ternary; }
        actions = { s; NoAction; }
        default_action = NoAction();
    }
    table l {
        key = { h.i.ip : lpm; }
        actions = { s; NoAction; }
        default_action = NoAction();
    }
    table n {
        key = { h.d.b[3:0] : exact; h.d.c[7:4] : ternary; }
        actions = { s; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
        l.apply();
        n.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
