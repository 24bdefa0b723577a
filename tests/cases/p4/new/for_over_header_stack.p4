// for over the headers of a stack: all elements in order, valid ones told by isValid().

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    n_t n;
    e_t[4] e;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.n);
        transition select(hdr.n.n) {
            0: accept;
            1: one;
            default: two;
        }
    }
    state one { packet.extract(hdr.e.next); transition accept; }
    state two { packet.extract(hdr.e.next); packet.extract(hdr.e.next); transition accept; }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        bit<8> sum = 0;
        for (e_t one in hdr.e) {
            if (one.isValid()) {
                sum = sum + one.v;
            } else {
                sum = sum + 0x10;
            }
        }
        hdr.n.n = sum;
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
        packet.emit(hdr.n);
        packet.emit(hdr.e);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
