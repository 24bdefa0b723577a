// An action that exits still copies its inout arguments out.
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
    action quit(inout bit<8> v, in bool now) {
        v = v + 1;
        if (now) {
            exit;
        }
        v = v + 0x10;
    }
    apply {
        quit(h.d.b, h.d.a == 1);
        h.d.c = 0xcc;
        quit(h.d.d, h.d.a == 2);
        h.d.c = 0xdd;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
