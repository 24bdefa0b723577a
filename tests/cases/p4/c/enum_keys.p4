// A serializable enum as key and in constant entries.
#include <core.p4>
#include <v1model.p4>

enum bit<8> Kind {
    DATA = 1,
    ACK = 2,
    NACK = 0xff
}

header k_t {
    Kind   kind;
    bit<8> r;
}

struct Headers {
    k_t k;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.k);
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
        b.emit(h.k);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action set_r(bit<8> v) { h.k.r = v; }
    table t {
        key = { h.k.kind : exact; }
        actions = { set_r; NoAction; }
        const entries = {
            Kind.DATA : set_r(0xd1);
            Kind.NACK : set_r(0xaf);
        }
        default_action = NoAction();
    }
    table u {
        key = { h.k.kind : ternary; }
        actions = { set_r; NoAction; }
        default_action = NoAction();
    }
    apply {
        if (!t.apply().hit) {
            u.apply();
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
