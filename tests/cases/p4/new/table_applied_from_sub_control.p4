// A table applied in one of two instances of a sub-control; the same names in both.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct metadata {
}

struct headers {
    h_t h;
}

control lookup(inout bit<8> v, in bit<8> k) {
    action put(bit<8> n) { v = n; }
    table t {
        key = { k : exact @name("k"); }
        actions = { put; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
    }
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
    lookup() one;
    lookup() two;
    apply {
        standard_metadata.egress_spec = 1;
        one.apply(hdr.h.x, hdr.h.k);
        two.apply(hdr.h.y, hdr.h.k);
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
        packet.emit(hdr.h);
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
