// A control's variables may be set from its parameters where they are declared.
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
    bit<8> a = h.d.a;
    bit<8> sum = a + h.d.b;
    bool   same = a == h.d.b;
    apply {
        a = a + 1;
        h.d.c = sum;
        h.d.d = same ? a : 8w0;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
