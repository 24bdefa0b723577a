// Messages with fields of any kind: header fields, booleans, signed, enums, wide ones.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

enum Kind { a, b }

header h_t {
    bit<8> k;
    int<8> i;
    bit<128> w;
}

struct metadata {
    bool f;
    Kind kind;
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
        meta.f = hdr.h.k == 1;
        log_msg("k {} i {} w {}", { hdr.h.k, hdr.h.i, hdr.h.w });
        log_msg("f {} valid {}", { meta.f, hdr.h.isValid() });
        log_msg("sum {}", { hdr.h.k + 1 });
        if (!meta.f) {
            log_msg("no");
        }
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
