// A varbit of a number of bits that makes no whole byte is error.ParserInvalidArgument.

#include <core.p4>
#include <v1model.p4>

header len_t {
    bit<8> bits;
}
header flag_t {
    bit<8> bad;
}
header opt_t {
    varbit<64> data;
}

struct metadata {
}

struct headers {
    len_t l;
    flag_t f;
    opt_t o;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.l);
        packet.extract(hdr.o, (bit<32>)hdr.l.bits);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        hdr.f.setValid();
        hdr.f.bad = 0;
        if (standard_metadata.parser_error == error.ParserInvalidArgument) hdr.f.bad = 1;
        standard_metadata.egress_spec = 1;
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.l);
        packet.emit(hdr.f);
        packet.emit(hdr.o);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
