// Negative numbers in constant entries, select labels and switch labels.

#include <v1model.p4>

header h_t {
    int<8> a;
    bit<8> r;
}

struct Meta {
    bit<8> k;
}

struct Headers {
    h_t h;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        transition select(h.h.a) {
            -1: minus;
            8s127: top;
            default: accept;
        }
    }
    state minus {
        m.k = 1;
        transition accept;
    }
    state top {
        m.k = 3;
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action r(bit<8> v) { h.h.r = v; }
    table t {
        key = { h.h.a : exact; }
        actions = { r; }
        const default_action = r(9);
        const entries = {
            -2 : r(2);
            (8s0) : r(9);
        }
    }
    apply {
        sm.egress_spec = 1;
        if (m.k != 0) {
            h.h.r = m.k;
        } else {
            t.apply();
        }
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
        b.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
