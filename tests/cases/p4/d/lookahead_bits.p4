// lookahead of a bit type steers the parser without taking the bits.
#include <core.p4>
#include <v1model.p4>

header one_t {
    bit<4> k;
    bit<4> v;
}

header two_t {
    bit<4>  k;
    bit<12> v;
}

struct Headers {
    one_t o;
    two_t t;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        transition select(b.lookahead<bit<4>>()) {
            1: one;
            2: two;
            default: accept;
        }
    }
    state one {
        b.extract(h.o);
        transition start;
    }
    state two {
        b.extract(h.t);
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
        b.emit(h.o);
        b.emit(h.t);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.o.isValid()) { h.o.v = h.o.v + 1; }
        if (h.t.isValid()) { h.t.v = h.t.v + 1; }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
