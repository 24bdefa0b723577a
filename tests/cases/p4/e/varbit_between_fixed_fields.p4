// A varbit between two fixed fields: the tail comes right behind the bits taken.

#include <v1model.p4>

header mid_t {
    bit<8> len;
    varbit<64> v;
    bit<8> tail;
}

struct Meta {
}

struct Headers {
    mid_t x;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.x, (bit<32>)(b.lookahead<bit<8>>()) << 3);
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
        h.x.tail = h.x.tail + 1;
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
