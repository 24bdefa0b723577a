// The index on the left of an assignment is evaluated before the right side.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header sel_t {
    bit<8> i;
    bit<8> j;
}
header el_t {
    bit<8> v;
}

struct metadata_t {
}

struct headers_t {
    sel_t x;
    el_t[4] s;
}

bit<8> step(inout bit<8> n) {
    n = n + 1;
    return n;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.x);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
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
        hdr.s[step(hdr.x.i)].v = step(hdr.x.i);
        stdmeta.egress_spec = 1;
    }
}

control egressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply { }
}

control updateChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control deparserImpl(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.x);
        pkt.emit(hdr.s);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
