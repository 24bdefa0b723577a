// Port and VLAN to a bridge domain, optional VLAN key by validity, then out by another table.
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst;
    bit<48> src;
    bit<16> type;
}

header vlan_t {
    bit<3>  pcp;
    bit<1>  cfi;
    bit<12> vid;
    bit<16> type;
}

struct metadata {
    bit<16> bd;
}

struct headers {
    ethernet_t ethernet;
    vlan_t vlan;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            0x8100: parse_vlan;
            default: accept;
        }
    }
    state parse_vlan {
        packet.extract(hdr.vlan);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action set_bd(bit<16> bd) {
        meta.bd = bd;
    }
    @name("rewrite") action set_vlan(bit<12> vid) {
        hdr.vlan.vid = vid;
    }
    action strip() {
        hdr.ethernet.type = hdr.vlan.type;
        hdr.vlan.setInvalid();
    }
    action tag(bit<12> vid) {
        hdr.vlan.setValid();
        hdr.vlan = { 0, 0, vid, hdr.ethernet.type };
        hdr.ethernet.type = 0x8100;
    }
    table port_vlan {
        key = {
            standard_metadata.ingress_port   : exact;
            hdr.vlan.isValid() : exact;
            hdr.vlan.vid       : ternary;
        }
        actions = { set_bd; }
        default_action = set_bd(0);
    }
    table bd_out {
        key = { meta.bd : exact; }
        actions = { set_vlan; strip; tag; NoAction; }
        default_action = NoAction();
    }
    apply {
        port_vlan.apply();
        bd_out.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.ethernet);
        packet.emit(hdr.vlan);
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
