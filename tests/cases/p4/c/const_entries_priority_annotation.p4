// @priority on constant entries: the smaller number wins.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct metadata {
}

struct headers {
    data_t d;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.d);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action set_d(bit<8> v) {
        hdr.d.d = v;
    }
    action miss_d() {
        hdr.d.d = 0xff;
    }
    table t {
        key = {
            hdr.d.a : ternary;
        }
        actions = { set_d; miss_d; }
        const entries = {
            0x10 &&& 0xf0 : set_d(1) @priority(3);
            0x11 &&& 0xff : set_d(2) @priority(2);
            0x01 &&& 0x0f : set_d(3) @priority(1);
            _             : set_d(4) @priority(4);
        }
        default_action = miss_d();
    }
    apply {
        t.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.d);
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
