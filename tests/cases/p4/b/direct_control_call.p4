// A control is called by its type, without an instance; each call starts with fresh locals.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Step(inout bit<8> v, in bit<8> by) {
    bit<8> local = 1;
    apply {
        v = v + by + local;
        local = 0x40;
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
    apply {
        Step.apply(h.d.a, 1);
        Step.apply(h.d.b, h.d.a);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
