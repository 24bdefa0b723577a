// A control with in, out and inout parameters; its out argument starts at zero.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Adder(in bit<8> x, in bit<8> y, out bit<8> sum, inout bit<8> calls) {
    apply {
        sum = x + y;
        calls = calls + 1;
    }
}

struct metadata {
}

struct headers {
    data_t d;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.d);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    Adder() add;
    apply {
        bit<8> n = 0;
        bit<8> r;
        add.apply(hdr.d.a, hdr.d.b, r, n);
        add.apply(r, r, hdr.d.c, n);
        hdr.d.d = n;
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.d);
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
