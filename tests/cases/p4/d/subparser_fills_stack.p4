// A sub-parser appends to a stack that it was given as inout.
#include <core.p4>
#include <v1model.p4>

header lab_t {
    bit<7> v;
    bit<1> bos;
}

header hd_t {
    bit<8> two;
}

parser Labels(packet_in packet, inout lab_t[4] s) {
    state start {
        packet.extract(s.next);
        transition select(s.last.bos) {
            0: start;
            default: accept;
        }
    }
}

struct metadata {
}

struct headers {
    hd_t hd;
    lab_t[4] s;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    Labels() labels;
    state start {
        packet.extract(hdr.hd);
        labels.apply(packet, hdr.s);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.s[3].isValid()) {
            standard_metadata.egress_spec = 4;
        } else if (hdr.s[1].isValid()) {
            standard_metadata.egress_spec = 2;
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.hd);
        packet.emit(hdr.s);
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
