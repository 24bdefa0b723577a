// The deparser emits in its own order; what is emitted twice is there twice.
#include <core.p4>
#include <v1model.p4>

header a_t {
    bit<8> v;
}

header b_t {
    bit<16> v;
}

header c_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    a_t a;
    b_t b;
    c_t c;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.a);
        packet.extract(hdr.b);
        packet.extract(hdr.c);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.a.v == 0xff) {
            hdr.b.setInvalid();
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.c);
        packet.emit(hdr.b);
        packet.emit(hdr.a);
        packet.emit(hdr.b);
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
