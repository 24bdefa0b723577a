// verify on the last element of a stack: good elements stay, the bad one too.
#include <core.p4>
#include <v1model.p4>

header b_t {
    bit<1> more;
    bit<7> v;
}

error { Descending }

struct metadata {
}

struct headers {
    b_t[4] s;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    bit<7> prev = 0;
    state start {
        packet.extract(hdr.s.next);
        verify(hdr.s.last.v >= prev, error.Descending);
        prev = hdr.s.last.v;
        transition select(hdr.s.last.more) {
            1: start;
            0: accept;
        }
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        if (standard_metadata.parser_error == error.Descending) {
            standard_metadata.egress_spec = 9;
            hdr.s[0].v = 0;
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
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
