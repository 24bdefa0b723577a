// A register is read into a slice and checked from outside.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
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
    register<bit<4>>(2) nibbles;
    apply {
        nibbles.read(hdr.h.x[7:4], 1);
        nibbles.write(1, hdr.h.k[3:0]);
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
