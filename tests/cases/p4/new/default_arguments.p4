// Parameters with default values; arguments by name in any order.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Meta {
}

struct Headers {
    h_t h;
}

bit<8> combine(in bit<8> a, in bit<8> b = 3, in bit<8> c = 10) {
    return a + b * c;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action put(in bit<8> v = 0x21) { h.h.x = v; }
    apply {
        sm.egress_spec = 1;
        put();
        if (h.h.k == 1) put(h.h.k);
        if (h.h.k == 2) h.h.x = combine(1);
        if (h.h.k == 3) h.h.x = combine(c = 2, a = 5);
        if (h.h.k == 4) h.h.x = combine(1, 2, 3);
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
