// return inside of a switch inside of a function.

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

bit<8> price(in bit<8> what) {
    switch (what) {
        1: { return 100; }
        2: { return 200; }
        default: { }
    }
    return 0;
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
        h.h.r = price(h.h.k);
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
