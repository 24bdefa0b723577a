// extract and emit with their type arguments.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct Headers {
    data_t d;
    data_t e;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract<data_t>(h.d);
        transition select(h.d.a, h.d.b) {
            (1, 2): next;
            default: reject;
        }
    }
    state next {
        b.extract<data_t>(h.e);
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
        b.emit<data_t>(h.e);
        b.emit<data_t>(h.d);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
