// {#} is an invalid header; ... gives defaults.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
struct s_t {
    bit<8> a;
    bit<8> b;
    bool c;
}

struct metadata {
}

struct headers {
    h_t h;
    h_t second;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        packet.extract(hdr.second);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        s_t s = { a = hdr.h.k, ... };
        standard_metadata.egress_spec = 1;
        if (s.a == 1) hdr.second = {#};
        if (hdr.second == (h_t){#}) hdr.h.x = 0x0e;
        if (s.b == 0 && !s.c) hdr.h.k = 0x77;
    }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
