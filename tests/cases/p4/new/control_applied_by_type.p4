// A control is applied by its type's name, and a parser is called inside of a parser.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
header t_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    h_t h;
    t_t t;
}

parser tail(packet_in pk, out t_t t) {
    state start {
        pk.extract(t);
        transition accept;
    }
}
control twice(inout bit<8> v) {
    apply {
        v = v + v;
    }
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        transition select(h.h.k) {
            1: more;
            _: accept;
        }
    }
    state more {
        tail.apply(b, h.t);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        twice.apply(h.h.x);
        if (h.t.isValid()) twice.apply(h.t.v);
        sm.egress_spec = 1;
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
        b.emit(h.t);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
