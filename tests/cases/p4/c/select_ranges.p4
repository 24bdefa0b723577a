// select with ranges, both ends in.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<8>  r;
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
        transition select(hdr.k.c) {
            0 .. 9: s1;
            100 .. 0x1ff: s2;
            0xfffe .. 0xffff: s3;
            default: accept;
        }
    }
    state s1 {
        meta.way = 1;
        transition accept;
    }
    state s2 {
        meta.way = 2;
        transition accept;
    }
    state s3 {
        meta.way = 3;
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        hdr.k.r = meta.way;
        if (standard_metadata.parser_error == error.NoMatch) {
            hdr.k.r = 0xee;
        }
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
