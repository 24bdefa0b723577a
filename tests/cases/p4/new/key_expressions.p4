// Keys that are expressions: sums, slices, concatenations, calls of functions, constants.

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

bit<8> low(in bit<8> v) {
    return v & 0x0f;
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
    action r(bit<8> v) { hdr.h.z = v; }
    table t {
        key = {
            hdr.h.k + hdr.h.x : exact @name("sum");
            hdr.h.y[7:4] : exact @name("high");
            low(hdr.h.y) : exact @name("low");
            hdr.h.k[0:0] ++ hdr.h.x[0:0] : ternary @name("odd");
        }
        actions = { r; }
        default_action = r(0xff);
    }
    apply {
        standard_metadata.egress_spec = 1;
        t.apply();
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
