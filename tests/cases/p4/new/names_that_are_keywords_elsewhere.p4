// Fields, variables and states named like words that are keywords in other places only.

#include <v1model.p4>

header h_t {
    bit<8> key;
    bit<8> type;
    bit<8> state;
    bit<8> actions;
    bit<8> entries;
    bit<8> apply;
    bit<8> size;
    bit<8> default_action;
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
    apply {
        bit<8> key = h.h.key + 1;
        bit<8> size = 2;
        bit<8> actions = 3;
        h.h.type = key;
        h.h.state = size;
        h.h.actions = actions;
        h.h.entries = h.h.apply;
        h.h.size = h.h.default_action;
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
