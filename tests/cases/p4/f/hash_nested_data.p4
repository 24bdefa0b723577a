// The data of a hash may nest: a struct in a list, constants, the same field twice.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<32> a;
    bit<16> b;
    bit<16> r16;
    bit<32> r32;
}
struct pair_t {
    bit<32> x;
    bit<16> y;
}

struct metadata_t {
}

struct headers_t {
    h_t h;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.h);
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
        pair_t pair;
        pair.x = hdr.h.a;
        pair.y = hdr.h.b;
        hash(hdr.h.r32, HashAlgorithm.crc32, 32w0, { hdr.h.b, pair, 8w42 }, 64w1 << 32);
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
        pkt.emit(hdr.h);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
