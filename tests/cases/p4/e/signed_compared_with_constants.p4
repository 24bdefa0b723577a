// Negative constants in comparisons, unary plus, a shift of a widened number.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header h_t {
    int<8> a;
    bit<8> r;
    int<16> w;
}

struct metadata {
}

struct headers {
    h_t h;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 1;
        hdr.h.r = 0;
        if (hdr.h.a < -5) hdr.h.r = 1;
        else if (+hdr.h.a <= 0) hdr.h.r = 2;
        else if (hdr.h.a == 8s127) hdr.h.r = 3;
        hdr.h.w = ((int<16>)hdr.h.a << 4) + 1;
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
        packet.emit(hdr.h);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
