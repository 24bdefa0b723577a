// Indices of any width and of a type of their own; hash results as indices.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

type bit<3> Slot_t;

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Meta {
}

struct Headers {
    h_t h;
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
    register<bit<8>, Slot_t>(8) r;
    counter<Slot_t>(8, CounterType.packets) c;
    apply {
        Slot_t at = (Slot_t)h.h.k[2:0];
        bit<8> old;
        r.read(old, at);
        r.write(at, h.h.x);
        c.count(at);
        h.h.x = old;
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
