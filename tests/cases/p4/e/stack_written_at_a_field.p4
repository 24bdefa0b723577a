// An element of a header stack is written at an index that is a field.

#include <v1model.p4>

header sel_t {
    bit<8> i;
    bit<8> j;
}
header el_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    sel_t x;
    el_t[4] s;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.x);
        b.extract(h.s.next);
        b.extract(h.s.next);
        b.extract(h.s.next);
        b.extract(h.s.next);
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
        h.s[h.x.i].v = h.x.j;
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
        b.emit(h.x);
        b.emit(h.s);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
