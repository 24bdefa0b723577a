// Tables in egress; one keyed by the port that ingress chose.
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
    action tag(bit<8> v) { h.d.d = v; }
    action drop() { mark_to_drop(sm); }
    table per_port {
        key = { sm.egress_port : exact; }
        actions = { tag; drop; NoAction; }
        default_action = NoAction();
    }
    apply {
        per_port.apply();
    }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.d);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action out_by(bit<9> port) { sm.egress_spec = port; }
    table fwd {
        key = { h.d.a : exact; }
        actions = { out_by; NoAction; }
        default_action = NoAction();
    }
    apply {
        fwd.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
