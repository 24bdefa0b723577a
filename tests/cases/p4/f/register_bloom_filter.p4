// A Bloom filter of two registers and two hashes tells which flows were seen.

#include <core.p4>
#include <v1model.p4>

#define ENTRIES 64

header h_t {
    bit<32> flow;
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
    register<bit<1>>(ENTRIES) first;
    register<bit<1>>(ENTRIES) second;
    apply {
        bit<32> i;
        bit<32> j;
        bit<1> a;
        bit<1> b;
        hash(i, HashAlgorithm.crc16, (bit<32>)0, { hdr.h.flow }, (bit<32>)ENTRIES);
        hash(j, HashAlgorithm.crc32, (bit<32>)0, { hdr.h.flow }, (bit<32>)ENTRIES);
        first.read(a, i);
        second.read(b, j);
        first.write(i, 1);
        second.write(j, 1);
        if (a == 1 && b == 1) {
            standard_metadata.egress_spec = 2;
        } else {
            standard_metadata.egress_spec = 1;
        }
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
