// int<8> compares as a signed number.

#include <core.p4>
#include <v1model.p4>

header h_t {
    int<8> a;
    int<8> b;
    bit<8> r;
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
        standard_metadata.egress_spec = 1;
        hdr.h.r = 0;
        if (hdr.h.a < hdr.h.b) hdr.h.r[5:5] = 1;
        if (hdr.h.a <= hdr.h.b) hdr.h.r[4:4] = 1;
        if (hdr.h.a > hdr.h.b) hdr.h.r[3:3] = 1;
        if (hdr.h.a >= hdr.h.b) hdr.h.r[2:2] = 1;
        if (hdr.h.a == hdr.h.b) hdr.h.r[1:1] = 1;
        if (hdr.h.a != hdr.h.b) hdr.h.r[0:0] = 1;
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
