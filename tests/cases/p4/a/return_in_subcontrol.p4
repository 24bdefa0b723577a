// return in an inner control goes back to the outer one.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control step(inout data_t d) {
    apply {
        if (d.a == 0) { return; }
        d.b = d.b + 1;
        if (d.a == 1) return;
        d.b = d.b + 0x10;
    }
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
    step() s1;
    step() s2;
    apply {
        s1.apply(h.d);
        h.d.a = h.d.a - 1;
        s2.apply(h.d);
        h.d.c = 0xcc;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
