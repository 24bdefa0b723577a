// @priority on constant entries: the smallest number wins, whatever their order.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Meta {
}

struct Headers {
    h_t h;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action r(bit<8> v) { h.h.x = v; }
    table t {
        key = { h.h.k : ternary; }
        actions = { r; NoAction; }
        default_action = NoAction();
        const entries = {
            0x11 &&& 0x0f : r(1) @priority(3);
            0x11 : r(2) @priority(2);
            0x10 &&& 0xf0 : r(3) @priority(1);
            _ : r(4) @priority(4);
        }
    }
    apply {
        t.apply();
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
