// A switch inside of an action, over the action's parameter.

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
    action act(bit<8> mode) {
        switch (mode) {
            1: { h.h.x = h.h.x + 1; }
            2:
            3: { h.h.x = h.h.x << 1; }
            default: { h.h.x = 0; }
        }
    }
    table t {
        key = { h.h.k : exact; }
        actions = { act; }
        default_action = act(9);
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
        b.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
