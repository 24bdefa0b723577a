// More bits than the varbit can have: error.HeaderTooShort, the header stays invalid, the packet goes on.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header len_t {
    bit<8> n;
}
header flag_t {
    bit<8> bad;
}
header opt_t {
    varbit<32> data;
}

struct metadata {
}

struct headers {
    len_t l;
    flag_t f;
    opt_t o;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.l);
        packet.extract(hdr.o, (bit<32>)hdr.l.n * 8);
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
        hdr.f.setValid();
        hdr.f.bad = 0;
        if (standard_metadata.parser_error == error.HeaderTooShort) {
            hdr.f.bad = 1;
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
        packet.emit(hdr.l);
        packet.emit(hdr.f);
        packet.emit(hdr.o);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
