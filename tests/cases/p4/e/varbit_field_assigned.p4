// Assigning a varbit field takes its length along.

#include <v1model.p4>

header lens_t {
    bit<8> a;
    bit<8> b;
}
header v_t {
    varbit<32> d;
}

struct Meta {
}

struct Headers {
    lens_t l;
    v_t x;
    v_t y;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.l);
        b.extract(h.x, (bit<32>)h.l.a * 8);
        b.extract(h.y, (bit<32>)h.l.b * 8);
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
        h.y.d = h.x.d;
        h.l.b = h.l.a;
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
        b.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
