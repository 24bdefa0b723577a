// Prefixes of 128-bit addresses, around the border of 64 bits.
#include <core.p4>
#include <v1model.p4>

header v6_t {
    bit<128> dst;
    bit<8>   nh;
}

struct metadata {
}

struct headers {
    v6_t v6;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.v6);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action route(bit<8> nh) {
        hdr.v6.nh = nh;
    }
    @name("v6_routes")
    table routes {
        key = { hdr.v6.dst : lpm; }
        actions = { route; NoAction; }
        default_action = NoAction();
    }
    apply {
        routes.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.v6);
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
