// select over a signed value and a bool, with negative labels and ranges.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> v;
    bit<8> w;
    bit<8> r;
}

struct metadata {
    bit<8> way;
}

struct headers {
    k_t k;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.k);
        transition select((int<8>)hdr.k.v, hdr.k.w == 0) {
            (-1, true): s1;
            (-1, false): s2;
            (-128 .. -100, _): s3;
            (_, true): s4;
            default: accept;
        }
    }
    state s1 { meta.way = 1; transition accept; }
    state s2 { meta.way = 2; transition accept; }
    state s3 { meta.way = 3; transition accept; }
    state s4 { meta.way = 4; transition accept; }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        hdr.k.r = meta.way;
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.k);
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
