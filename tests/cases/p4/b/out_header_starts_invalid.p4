// A header given to an out parameter is invalid inside, until the function sets it.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
}

header x_t {
    bit<8> v;
}

void make(out x_t x, in bit<8> k) {
    if (k != 0) {
        x.setValid();
        x.v = k;
    }
}

struct metadata {
}

struct headers {
    k_t k;
    x_t x;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.k);
        packet.extract(hdr.x);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        make(hdr.x, hdr.k.k);
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.k);
        packet.emit(hdr.x);
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
