// Two varbits are equal when they have the same length and the same bits.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header lens_t {
    bit<8> a;
    bit<8> b;
    bit<8> eq;
}
header v_t {
    varbit<32> d;
}

struct Meta {
}

struct Headers {
    lens_t l;
    v_t x;
    v_t y;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.l);
        pkt.extract(hdr.x, (bit<32>)hdr.l.a * 8);
        pkt.extract(hdr.y, (bit<32>)hdr.l.b * 8);
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
        sm.egress_spec = sm.ingress_port;
        if (h.x.d == h.y.d) {
            h.l.eq = 1;
        }
        if (h.x.d != h.y.d) {
            h.l.eq = 2;
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
        pkt.emit(h.l);
        pkt.emit(h.x);
        pkt.emit(h.y);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
