// Preserved fields of several widths: one bit, bool, 48 and 100 bits, an enum.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

enum Color { red, green, blue }

header h_t {
    bit<8> k;
    bit<4> a;
    bit<4> b;
    bit<48> c;
    bit<104> d;
}

struct Meta {
    @field_list(1) bit<1> one;
    @field_list(1) bool flag;
    @field_list(1) bit<48> mac;
    @field_list(1) bit<100> wide;
    @field_list(1) Color color;
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
        if (sm.instance_type == 0) {
            m.one = 1;
            m.flag = true;
            m.mac = 0x112233445566;
            m.wide = 100w0xfedcba9876543210;
            m.color = Color.blue;
            resubmit_preserving_field_list(1);
        } else {
            h.h.a = 3w0 ++ m.one;
            h.h.b = (m.flag && m.color == Color.blue) ? 4w7 : 4w1;
            h.h.c = m.mac;
            h.h.d = 4w0 ++ m.wide;
            sm.egress_spec = 1;
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
