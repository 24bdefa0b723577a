// The result is base + hash % max.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<32> a;
    bit<16> b;
    bit<16> r16;
    bit<32> r32;
}

struct metadata {
}

struct headers {
    h_t h;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        hash(hdr.h.r16, HashAlgorithm.crc16, (bit<16>)100, { hdr.h.a, hdr.h.b }, (bit<32>)10);
        hash(hdr.h.r32, HashAlgorithm.crc32, 32w5, { hdr.h.a, hdr.h.b }, 8w7);
        standard_metadata.egress_spec = 1;
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
