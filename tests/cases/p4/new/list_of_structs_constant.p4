// A constant struct with a tuple, a constant list's elements in a loop.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
struct cfg_t {
    bit<8> lo;
    bit<8> hi;
}

struct Meta {
}

struct Headers {
    h_t h;
}

const cfg_t LIMITS = { 10, 20 };
const tuple<bit<8>, bit<8>> ADD = { 1, 2 };

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
    apply {
        sm.egress_spec = 1;
        if (h.h.k < LIMITS.lo) h.h.x = ADD[0];
        else if (h.h.k > LIMITS.hi) h.h.x = ADD[1];
        else h.h.x = LIMITS.hi - LIMITS.lo;
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
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
