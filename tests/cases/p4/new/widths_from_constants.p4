// Widths, sizes and initial values are constant expressions.

#include <core.p4>
#include <v1model.p4>

const int W = 4;
const bit<8> BASE = 8w3 * 5 - 1;
#define DOUBLE(x) (2 * (x))
enum bit<8> Code { A = 1 << 2, B = 0x10 + 0x3 }
typedef bit<(W * 2)> byte_t;

header h_t {
    byte_t k;
    bit<(DOUBLE(W))> x;
    bit<(1 << 3)> y;
    bit<(W + 4)> z;
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
    const bit<8> C = (bit<8>)Code.B;
    apply {
        hdr.h.x = BASE;
        hdr.h.y = C + (bit<8>)Code.A;
        hdr.h.z = (W > 3) ? 8w1 : 8w2;
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
