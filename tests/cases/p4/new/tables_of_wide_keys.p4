// Keys of 200 bits: exact, ternary and lpm.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header h_t {
    bit<200> w;
    bit<8> r;
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
    action r(bit<8> v) { hdr.h.r = hdr.h.r | v; }
    table e {
        key = { hdr.h.w : exact; }
        actions = { r; NoAction; }
        default_action = NoAction();
    }
    table p {
        key = { hdr.h.w : lpm; }
        actions = { r; NoAction; }
        default_action = NoAction();
    }
    apply {
        e.apply();
        p.apply();
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
