// The left side of a compound assignment is a slice, an element at a run-time index.

#include <v1model.p4>

header h_t {
    bit<8> i;
}
header e_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    h_t h;
    e_t[2] e;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        b.extract(h.e.next);
        b.extract(h.e.next);
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
        h.e[h.h.i].v += 1;
        h.h.i[7:4] += 3;
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
        b.emit(h.e);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
