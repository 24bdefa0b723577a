// Equal-cost paths: crc16 over the five-tuple picks one of four ports.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header flow_t {
    bit<32> src;
    bit<32> dst;
    bit<8> proto;
    bit<16> sport;
    bit<16> dport;
}

struct metadata {
    bit<16> bucket;
}

struct headers {
    flow_t f;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.f);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    action set_bucket(bit<16> base, bit<32> count) {
        hash(meta.bucket, HashAlgorithm.crc16, base, { hdr.f.src, hdr.f.dst, hdr.f.proto, hdr.f.sport, hdr.f.dport }, count);
    }
    action out_to(bit<9> port) { standard_metadata.egress_spec = port; }
    table ecmp_pick {
        actions = { set_bucket; NoAction; }
        default_action = NoAction();
    }
    table ecmp_go {
        key = { meta.bucket : exact; }
        actions = { out_to; }
        size = 16;
    }
    apply {
        ecmp_pick.apply();
        ecmp_go.apply();
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
