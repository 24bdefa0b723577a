// A whole header as the data of a hash.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header k_t {
    bit<32> a;
    bit<16> b;
}
header r_t {
    bit<16> r16;
    bit<32> r32;
}

struct metadata {
}

struct headers {
    k_t k;
    r_t r;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.k);
        packet.extract(hdr.r);
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
        hash(hdr.r.r32, HashAlgorithm.crc32, 32w0, hdr.k, 64w0x100000000);
        standard_metadata.egress_spec = 1;
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
        packet.emit(hdr.k);
        packet.emit(hdr.r);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
