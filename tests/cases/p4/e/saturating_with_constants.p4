// A saturating sum binds like +; one of constants is folded by the compiler.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

const bit<8> TOP = 8w250 |+| 8w10;

header h_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
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
        h.h.b = (h.h.a |+| 10) * 2;
        h.h.c = TOP;
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
