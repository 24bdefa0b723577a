// A control applied in the deparser emits in its own order.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

control EmitPair(packet_out b, in byte_t x, in byte_t y) {
    apply {
        b.emit(y);
        b.emit(x);
    }
}

struct Headers {
    byte_t a;
    byte_t b;
    byte_t c;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.a);
        b.extract(h.b);
        b.extract(h.c);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    EmitPair() pair;
    apply {
        pair.apply(b, h.a, h.b);
        b.emit(h.c);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.a.v == 0) {
            h.b.setInvalid();
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
