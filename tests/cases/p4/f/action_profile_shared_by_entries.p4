// Each entry of a table with an action profile gets its member's action.

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
    action_profile(32w16) ap;
    action go(bit<9> p, bit<8> mark) {
        standard_metadata.egress_spec = p;
        hdr.h.x = mark;
    }
    action no() { mark_to_drop(standard_metadata); }
    table t {
        key = { hdr.h.k : lpm; }
        actions = { go; no; }
        implementation = ap;
    }
    apply {
        if (t.apply().miss) no();
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
