// User metadata and local variables are zero at each packet's start, whatever the last one left.
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
    bit<8> seen;
    bool flag;
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
    bit<8> local;
    apply {
        h.d.b = m.seen;
        h.d.c = local;
        m.seen = 0x55;
        local = 0x66;
        if (m.flag) { h.d.d = 0xff; }
        m.flag = true;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
