// Headers with struct fields inside, compared and assigned by struct.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

struct mac_t {
    bit<24> oui;
    bit<24> nic;
}
header eth_t {
    mac_t dst;
    mac_t src;
    bit<16> kind;
}

struct metadata {
}

struct headers {
    eth_t e;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.e);
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
        mac_t tmp = hdr.e.dst;
        hdr.e.dst = hdr.e.src;
        hdr.e.src = tmp;
        if (hdr.e.dst == hdr.e.src) hdr.e.dst.nic = 0xffffff;
        hdr.e.src.oui[23:16] = 2;
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
        packet.emit(hdr.e);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
