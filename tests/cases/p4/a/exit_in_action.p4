// exit inside an action ends the whole control, not just the action.
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
    action stop(bit<8> v) {
        h.d.c = v;
        exit;
    }
    action go() {
        h.d.c = 0x60;
    }
    apply {
        if (h.d.a[0:0] == 1) {
            stop(0x51);
        } else {
            go();
        }
        h.d.d = 0xdd;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
