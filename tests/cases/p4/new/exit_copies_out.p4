// exit in an action called with an inout argument: what was written so far is copied out.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
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
    action deep(inout bit<8> v) {
        v = v + 1;
        if (v == 5) exit;
        v = v + 0x10;
    }
    action outer(inout bit<8> w) {
        deep(w);
        w = w + 0x40;
    }
    apply {
        standard_metadata.egress_spec = 1;
        outer(hdr.h.k);
        hdr.h.x = 0xdd;
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
