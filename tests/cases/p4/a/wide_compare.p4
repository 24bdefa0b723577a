// Order and equality of 128-bit fields; the high half decides.
#include <core.p4>
#include <v1model.p4>

header pair_t {
    bit<128> l;
    bit<128> r;
    bit<8>   lt;
    bit<8>   le;
    bit<8>   eq;
    bit<8>   ge;
}

struct metadata {
}

struct headers {
    pair_t v;
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
    apply {
        hdr.v.lt = (bit<8>)(bit<1>)(hdr.v.l < hdr.v.r);
        hdr.v.le = (bit<8>)(bit<1>)(hdr.v.l <= hdr.v.r);
        hdr.v.eq = (bit<8>)(bit<1>)(hdr.v.l == hdr.v.r);
        hdr.v.ge = (bit<8>)(bit<1>)(hdr.v.l >= hdr.v.r);
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
