// Inner declarations hide outer ones; constants and variables in blocks.

#include <v1model.p4>

const bit<8> n = 1;

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
    const bit<8> m2 = n + 1;
    bit<8> acc = 0;
    action add(bit<8> v) { acc = acc + v; }
    apply {
        add(n);
        {
            bit<8> n = 10;
            add(n);
            {
                bit<8> n = 100;
                add(n);
            }
            add(m2);
        }
        h.h.x = acc;
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
