// hit of a table as an argument, in ?:, in a declaration.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct Meta {
}

struct Headers {
    h_t h;
}

bit<8> number(in bool b) {
    if (b) return 1;
    return 2;
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
    action r(bit<8> v) { h.h.y = v; }
    table t {
        key = { h.h.k : exact; }
        actions = { r; NoAction; }
        const default_action = NoAction();
        const entries = { 1 : r(0x10); }
    }
    table u {
        key = { h.h.x : exact; }
        actions = { r; NoAction; }
        const default_action = NoAction();
        const entries = { 1 : r(0x20); }
    }
    apply {
        sm.egress_spec = 1;
        h.h.z = number(t.apply().hit);
        bool miss = u.apply().miss;
        h.h.k = miss ? 8w0xaa : 8w0xbb;
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
