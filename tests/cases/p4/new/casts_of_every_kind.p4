// Casts between bool, bit, int, enums and new types.

#include <v1model.p4>

enum bit<4> E { a = 3, b = 12 }
type bit<8> T;
type T U;

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
    apply {
        bool f = (bool)h.h.k[0:0];
        h.h.x = 7w0 ++ (bit<1>)f;
        E e = (E)h.h.k[7:4];
        h.h.y = (bit<8>)(bit<4>)e;
        if (e == E.b) h.h.y = 0xee;
        U u = (U)(T)h.h.k;
        int<8> i = (int<8>)(bit<8>)(T)u;
        h.h.z = (bit<8>)(-i);
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
