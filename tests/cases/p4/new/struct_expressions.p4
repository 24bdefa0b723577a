// Structs and headers written as expressions, by name and by position, compared as wholes.

#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
struct s_t {
    bit<8> a;
    bit<8> b;
}

struct Meta {
}

struct Headers {
    h_t h;
    h_t extra;
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
        s_t one = { a = h.h.k, b = 2 };
        s_t two = (s_t){ 1, 2 };
        sm.egress_spec = 1;
        if (one == two) {
            h.extra = { 0xaa, one.b };
        }
        if (h.h == (h_t){ k = 3, x = 4 }) {
            h.h = { x = 0x33, k = 0x44 };
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
        b.emit(h.extra);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
