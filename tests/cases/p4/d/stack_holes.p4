// Invalid elements in the midst of a stack are not emitted; others keep their order.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> m;
}

header byte_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    op_t op;
    byte_t[4] s;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.op);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.op.m[0:0] == 1) hdr.s[0].setInvalid();
        if (hdr.op.m[1:1] == 1) hdr.s[1].setInvalid();
        if (hdr.op.m[2:2] == 1) { hdr.s[3].setValid(); hdr.s[3].v = 0x33; }
        if (hdr.op.m[3:3] == 1) { hdr.s[1] = hdr.s[2]; }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.op);
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
