// A table decides what is mirrored and where to.

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
    action mirror(bit<32> session) { clone(CloneType.I2E, session); }
    table watch {
        key = { h.h.k : ternary; }
        actions = { mirror; NoAction; }
        default_action = NoAction();
    }
    apply {
        sm.egress_spec = 1;
        watch.apply();
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
