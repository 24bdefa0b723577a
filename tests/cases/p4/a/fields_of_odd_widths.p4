// Fields of 1, 3, 4, 12, 13 and 7 bits are cut out of the bytes and put back.
#include <core.p4>
#include <v1model.p4>

header bits_t {
    bit<4>  v;
    bit<6>  dscp;
    bit<2>  ecn;
    bit<12> id;
    bit<3>  f;
    bit<13> off;
    bit<1>  m;
    bit<7>  n;
}

struct metadata {
}

struct headers {
    bits_t b;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.b);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        hdr.b.v = hdr.b.v + 1;
        hdr.b.id = hdr.b.id ^ 0xfff;
        hdr.b.off = hdr.b.off + 1;
        hdr.b.m = ~hdr.b.m;
        hdr.b.ecn = 3;
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.b);
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
