// Signed, saturating and wide arithmetic in one expression, bound by casts.

#include <v1model.p4>

header h_t {
    int<8> a;
    bit<8> b;
    int<16> r;
    bit<16> s;
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
        h.h.r = ((int<16>)h.h.a |-| (int<16>)(int<9>)(bit<9>)h.h.b) |+| 16s32700;
        h.h.s = ((bit<16>)h.h.b << 8) |+| (bit<16>)h.h.b;
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
