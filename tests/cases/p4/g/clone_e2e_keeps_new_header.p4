// A header added in ingress is part of an egress clone, not of an ingress clone.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
header tag_t {
    bit<16> tag;
}

struct Meta {
}

struct Headers {
    tag_t t;
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
        h.t.setValid();
        h.t.tag = 0xbeef;
        if (h.h.k == 1) {
            clone(CloneType.I2E, 32w9);
        }
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (h.h.k == 2 && sm.instance_type == 0) {
            clone(CloneType.E2E, 32w9);
        }
    }
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
