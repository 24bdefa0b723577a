// A field may be in two lists; each call picks one.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

const bit<8> LIST_A = 1;
const bit<8> LIST_B = 2;

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct metadata_t {
    @field_list(1, 2) bit<8> both;
    @field_list(2) bit<8> second;
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
        meta.both = 0xb0;
        meta.second = 0xc0;
        if (hdr.h.k == 1) {
            clone_preserving_field_list(CloneType.I2E, 5, LIST_A);
        } else {
            clone_preserving_field_list(CloneType.I2E, 5, LIST_B);
        }
        stdmeta.egress_spec = 1;
    }
}

control egressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply {
        hdr.h.y = meta.both;
        hdr.h.z = meta.second;
    }
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
