// IPv4 options in a varbit, its length from IHL; an IHL below 5 ends in the parser's own error.

#include <core.p4>
#include <v1model.p4>

error { IPv4HeaderTooShort }
header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<8> diffserv;
    bit<16> totalLen;
    bit<16> identification;
    bit<3> flags;
    bit<13> fragOffset;
    bit<8> ttl;
    bit<8> protocol;
    bit<16> hdrChecksum;
    bit<32> srcAddr;
    bit<32> dstAddr;
    varbit<320> options;
}

struct metadata {
}

struct headers {
    ipv4_t ip;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.ip, ((bit<32>)packet.lookahead<bit<8>>()[3:0] > 5) ? ((bit<32>)packet.lookahead<bit<8>>()[3:0] - 5) * 32 : 0);
        verify(hdr.ip.ihl >= 5, error.IPv4HeaderTooShort);
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
        if (standard_metadata.parser_error == error.IPv4HeaderTooShort) {
            standard_metadata.egress_spec = 3;
        } else {
            hdr.ip.ttl = hdr.ip.ttl - 1;
            standard_metadata.egress_spec = 2;
        }
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
        packet.emit(hdr.ip);
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
