// A union is an inout parameter of a sub-control.

#include <core.p4>
#define V1MODEL_VERSION 20180101
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

struct metadata {
}

struct headers {
    u_t u;
}

control flip(inout u_t u) {
    apply {
        if (u.b.isValid()) {
            u.b.v = ~u.b.v;
        }
        if (u.a.isValid()) {
            u.a.v = u.a.v ^ 0x0f;
        }
    }
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        transition select(packet.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            default: accept;
        }
    }
    state is_a {
        packet.extract(hdr.u.a);
        transition accept;
    }
    state is_b {
        packet.extract(hdr.u.b);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    flip() f;
    apply {
        f.apply(hdr.u);
        standard_metadata.egress_spec = 1;
    }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
