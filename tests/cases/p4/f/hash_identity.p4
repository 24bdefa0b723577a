// identity gives the bits themselves.

#include <v1model.p4>

header h_t {
    bit<32> a;
    bit<16> b;
    bit<16> r16;
    bit<32> r32;
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
        hash(h.h.r16, HashAlgorithm.identity, 16w0, { h.h.b }, 32w0x10000);
        hash(h.h.r32, HashAlgorithm.identity, 32w0, { h.h.a }, 64w0x100000000);
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
