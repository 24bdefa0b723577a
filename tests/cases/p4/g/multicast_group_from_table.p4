// A bridge: known addresses to a port, unknown ones flooded to a group.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header ethernet_t {
    bit<48> dst;
    bit<48> src;
    bit<16> kind;
}

struct metadata {
}

struct headers {
    ethernet_t eth;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.eth);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    @name("bcast") action bcast() { standard_metadata.mcast_grp = 16w1; }
    @name("set_port") action set_port(bit<9> port) { standard_metadata.egress_spec = port; }
    @name("l2_fwd") table fwd {
        actions = {
            bcast;
            set_port;
        }
        key = { hdr.eth.dst : exact; }
        size = 512;
        default_action = bcast();
    }
    apply { fwd.apply(); }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        if (standard_metadata.egress_port == standard_metadata.ingress_port) mark_to_drop(standard_metadata);
    }
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
