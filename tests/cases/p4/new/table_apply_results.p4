// hit, miss and action_run of a table used in expressions.

#include <core.p4>
#define V1MODEL_VERSION 20180101
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
    action a() { }
    action b() { }
    table t {
        key = { hdr.h.k : exact; }
        actions = { a; b; }
        const default_action = b();
        const entries = { 1 : a(); 2 : b(); }
    }
    table u {
        key = { hdr.h.x : exact; }
        actions = { a; }
        default_action = a();
    }
    apply {
        standard_metadata.egress_spec = 1;
        if (t.apply().hit && hdr.h.x == 0) {
            hdr.h.x = 1;
        } else if (u.apply().miss) {
            hdr.h.x = 2;
        }
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
