// Six tables one behind the other by switches on their actions.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
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
    action set1(bit<8> v) { h.h.x = v; }
    action set2(bit<8> v) { h.h.y = v; }
    action skip() { }
    table t0 {
        key = { h.h.k : ternary; }
        actions = { set1; set2; skip; }
        const default_action = skip();
    }
    table t1 {
        key = { h.h.x : ternary; }
        actions = { set1; set2; skip; }
        const default_action = skip();
    }
    table t2 {
        key = { h.h.y : ternary; }
        actions = { set1; set2; skip; }
        const default_action = skip();
    }
    apply {
        sm.egress_spec = 1;
        switch (t0.apply().action_run) {
            set1: { t1.apply(); }
            set2: {
                switch (t2.apply().action_run) {
                    skip: { h.h.z = 0x2e; }
                }
            }
            skip: { if (t1.apply().hit) { t2.apply(); } }
        }
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
