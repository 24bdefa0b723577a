// A slice of a slice, read and written, in a 64-bit field.
#include <core.p4>
#include <v1model.p4>

header wide_t {
    bit<64> v;
    bit<8>  r;
    bit<8>  k;
}

struct Headers {
    wide_t w;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.w);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.w);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.w.r = h.w.v[47:16][23:8][7:0];
        h.w.v[31:0][15:8] = h.w.k;
        h.w.k = h.w.v[63:32][31:24];
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
