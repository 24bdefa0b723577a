// for over the elements of a header stack by index.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    n_t n;
    e_t[4] e;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.n);
        packet.extract(hdr.e.next);
        packet.extract(hdr.e.next);
        packet.extract(hdr.e.next);
        packet.extract(hdr.e.next);
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
        hdr.n.n = 0;
        for (bit<32> i = 0; i < 4; i = i + 1) {
            hdr.n.n = hdr.n.n + hdr.e[i].v;
            hdr.e[i].v = (bit<8>)i;
        }
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
        packet.emit(hdr.n);
        packet.emit(hdr.e);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
