// A function that changes what the parser extracted, and one that counts.
#include <core.p4>
#include <v1model.p4>

header v_t {
    bit<8> v;
}

void twice(inout v_t x) {
    if (x.v < 0x80) {
        x.v = x.v + x.v;
    } else {
        x.setInvalid();
    }
}

struct Headers {
    v_t a;
    v_t b;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.a);
        b.extract(h.b);
        twice(h.a);
        twice(h.b);
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
        b.emit(h.a);
        b.emit(h.b);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (!h.b.isValid()) {
            sm.egress_spec = 2;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
