// setInvalid() takes the whole varbit header away, whatever its length.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header len_t {
    bit<8> n;
    bit<8> strip;
}
header opt_t {
    varbit<24> data;
}

struct metadata {
}

struct headers {
    len_t l;
    opt_t o;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.l);
        packet.extract(hdr.o, (bit<32>)hdr.l.n << 3);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    action strip() { hdr.o.setInvalid(); }
    apply {
        if (hdr.l.strip == 1) strip();
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
        packet.emit(hdr);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
