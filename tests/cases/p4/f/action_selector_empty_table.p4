// A table with an action selector that has no entries misses.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> i;
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
    @mode("fair")
    action_selector(HashAlgorithm.crc16, 32w1024, 32w14) pick;
    action go(bit<9> port) { standard_metadata.egress_spec = port; }
    table t {
        key = {
            hdr.h.i : exact;
            hdr.h.x : selector;
        }
        actions = { go; NoAction; }
        size = 512;
        implementation = pick;
    }
    apply {
        standard_metadata.egress_spec = 6;
        if (t.apply().miss) {
            hdr.h.x = 0xee;
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
