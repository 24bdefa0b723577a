// switch over a slice, a constant expression as a label, exit in one arm.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

const bit<4> ONE = 1;

header h_t {
    bit<8> k;
    bit<8> r;
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
    apply {
        sm.egress_spec = 1;
        switch (h.h.k[7:4]) {
            ONE: {
                if (h.h.k[0:0] == 0) {
                    h.h.r = 8;
                    exit;
                }
                h.h.r = 1;
            }
            ONE + 1: { h.h.r = 2; }
            default: { h.h.r = 9; }
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
