// A sub-control's variables start anew with each apply; an initialised variable of a control, too.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct Meta {
}

struct Headers {
    h_t h;
}

control acc(inout bit<8> v) {
    bit<8> total = 1;
    action add(bit<8> n) { total = total + n; }
    apply {
        add(v);
        add(2);
        v = total;
    }
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    acc() a;
    bit<8> n = 3;
    apply {
        sm.egress_spec = 1;
        a.apply(h.h.x);
        a.apply(h.h.y);
        n = n + h.h.k;
        h.h.z = n;
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
        b.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
