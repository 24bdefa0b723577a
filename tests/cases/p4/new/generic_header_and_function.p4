// A generic header in the packet, a generic function.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header box<T> {
    T v;
    bit<8> tag;
}

struct metadata_t {
}

struct headers_t {
    box<bit<16>> a;
    box<bit<8>> b;
}

T pick<T>(in bool left, in T a, in T b) {
    if (left) {
        return a;
    }
    return b;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.a);
        pkt.extract(hdr.b);
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
        hdr.a.v = pick(hdr.b.tag == 1, hdr.a.v, 16w0xffff);
        hdr.b.v = pick<bit<8>>(false, 1, hdr.a.tag);
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
        pkt.emit(hdr);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
