// An exact key of 128 and 48 bits.
#include <core.p4>
#include <v1model.p4>

header v6_t {
    bit<128> addr;
    bit<48>  mac;
    bit<8>   r;
}

struct metadata {
}

struct headers {
    v6_t v;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.v);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action found(bit<8> n) {
        hdr.v.r = n;
    }
    table hosts {
        key = {
            hdr.v.addr : exact;
            hdr.v.mac  : exact;
        }
        actions = { found; NoAction; }
        size = 64;
        default_action = NoAction();
    }
    apply {
        hosts.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.v);
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
