// The TCP checksum with IPv6's pseudo header: 128-bit fields, a 32-bit length, payload.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header ipv6_t {
    bit<32> first;
    bit<16> payloadLen;
    bit<8> nextHdr;
    bit<8> hopLimit;
    bit<128> src;
    bit<128> dst;
}
header tcp_t {
    bit<16> sport;
    bit<16> dport;
    bit<32> seq;
    bit<32> ack;
    bit<4> off;
    bit<12> flags;
    bit<16> win;
    bit<16> csum;
    bit<16> urg;
}

struct metadata_t {
}

struct headers_t {
    ipv6_t ip;
    tcp_t tcp;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.ip);
        pkt.extract(hdr.tcp);
        transition accept;
    }
}

control verifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control ingressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply {
        stdmeta.egress_spec = 1;
    }
}

control egressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply { }
}

control updateChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum_with_payload(hdr.tcp.isValid(), { hdr.ip.src, hdr.ip.dst, 16w0, hdr.ip.payloadLen, 24w0, hdr.ip.nextHdr,
                hdr.tcp.sport, hdr.tcp.dport, hdr.tcp.seq, hdr.tcp.ack, hdr.tcp.off, hdr.tcp.flags, hdr.tcp.win, hdr.tcp.urg }, hdr.tcp.csum, HashAlgorithm.csum16);
    }
}

control deparserImpl(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
