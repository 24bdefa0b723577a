// One packet is cloned in ingress and in egress.

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
    apply {
        clone(CloneType.I2E, 32w3);
        h.h.x = 1;
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (sm.instance_type == 0) {
            clone(CloneType.E2E, 32w4);
        }
    }
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
