// A key field of a header that is invalid is zero in a fresh packet.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
    bit<8> r;
}

header v_t {
    bit<8> v;
}

struct Headers {
    k_t k;
    v_t v;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.k);
        transition select(h.k.k) {
            1: more;
            default: accept;
        }
    }
    state more {
        b.extract(h.v);
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
        b.emit(h.v);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action set_r(bit<8> r) { h.k.r = r; }
    table t {
        key = { h.v.v : exact; }
        actions = { set_r; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
