// Trailing commas, empty statements and empty blocks.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

enum Kind { a, b, }
error { One, Two, }

header h_t {
    bit<8> k;
    bit<8> x;
}
struct empty_t { }

struct metadata {
    empty_t nothing;
}

struct headers {
    h_t h;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
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
        ;
        { }
        tuple<bit<8>, bit<8>> t = { hdr.h.k, 8w2, };
        if (hdr.h.k == 1) ; else hdr.h.x = t[1];;
        standard_metadata.egress_spec = 1;
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
        packet.emit(hdr.h);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
