// Labels without a block share the next one; default takes the rest.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> r;
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
        sm.egress_spec = 1;
        switch (h.h.k) {
            0: { h.h.r = 1; }
            1:
            2:
            3: { h.h.r = 2; }
            4: { h.h.r = 5; }
            default: { h.h.r = 9; }
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
        b.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
