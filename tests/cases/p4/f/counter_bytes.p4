// An indexed counter of bytes: the length with which the packet came.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> i;
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
    counter<bit<8>>(4, CounterType.bytes) seen;
    apply {
        seen.count(h.h.i);
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
