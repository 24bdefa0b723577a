// switch over a MAC address.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<48> mac;
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
        switch (h.h.mac) {
            0x0180c2000000: { h.h.r = 1; }
            0x0180c2000001: { h.h.r = 2; }
            48w0xffffffffffff: { h.h.r = 3; }
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
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
