// Metadata and headers go from ingress to egress; locals of the two are their own.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct metadata {
    bit<8> carried;
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
    bit<8> local = 0x40;
    apply {
        hdr.d.b = local + meta.carried;
        hdr.d.c = (bit<8>)standard_metadata.egress_port ++ 4w0 == 0x20 ? 8w1 : 8w0;
        local = 0;
    }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    bit<8> local = 1;
    apply {
        local = local + hdr.d.a;
        meta.carried = local;
        standard_metadata.egress_spec = 2;
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
