// Arithmetic on 128 bits carries across the 64-bit border.
#include <core.p4>
#include <v1model.p4>

header wide_t {
    bit<128> a;
    bit<128> b;
}

struct Headers {
    wide_t w;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.w);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        bit<128> sum = h.w.a + h.w.b;
        bit<128> diff = h.w.a - h.w.b;
        h.w.a = sum;
        h.w.b = diff;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
