// How tests name keys: validity as $valid$ and isValid(), elements of a stack with $, the end of a name, none at all.

#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    n_t n;
    e_t[2] e;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.n);
        transition select(h.n.n) {
            0: accept;
            1: one;
            default: two;
        }
    }
    state one { b.extract(h.e.next); transition accept; }
    state two { b.extract(h.e.next); b.extract(h.e.next); transition accept; }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action to(bit<9> port) { sm.egress_spec = port; }
    table v {
        key = {
            h.e[0].isValid() : exact;
            h.e[1].isValid() : ternary;
        }
        actions = { to; NoAction; }
        default_action = NoAction();
    }
    table w {
        key = {
            h.e[0].v : exact;
            h.e[1].v : ternary;
            h.n.n : lpm;
        }
        actions = { to; NoAction; }
        default_action = NoAction();
    }
    apply {
        sm.egress_spec = 7;
        v.apply();
        w.apply();
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.n);
        b.emit(h.e);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
