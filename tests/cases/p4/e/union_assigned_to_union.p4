// A whole union is copied, validity included.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header a_t {
    bit<8> tag;
    bit<8> v;
}
header b_t {
    bit<8> tag;
    bit<16> v;
}
header_union u_t {
    a_t a;
    b_t b;
}

struct Meta {
}

struct Headers {
    u_t u;
    u_t w;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        transition select(pkt.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            default: accept;
        }
    }
    state is_a {
        pkt.extract(hdr.u.a);
        transition accept;
    }
    state is_b {
        pkt.extract(hdr.u.b);
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
        h.w = h.u;
        sm.egress_spec = 1;
        if (h.w.a.isValid()) h.w.a.v = 0xaa;
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
        pkt.emit(h.u);
        pkt.emit(h.w);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
