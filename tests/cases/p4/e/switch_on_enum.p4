// switch over an enum in metadata.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

enum Kind { Red, Green, Blue }

header h_t {
    bit<8> k;
    bit<8> r;
}

struct metadata_t {
    Kind kind;
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
        meta.kind = Kind.Blue;
        transition select(hdr.h.k) {
            0: red;
            1: green;
            default: accept;
        }
    }
    state red { meta.kind = Kind.Red; transition accept; }
    state green { meta.kind = Kind.Green; transition accept; }
}

control verifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control ingressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply {
        stdmeta.egress_spec = 1;
        switch (meta.kind) {
            Kind.Red: { hdr.h.r = 0x10; }
            Kind.Green: { hdr.h.r = 0x20; }
            Kind.Blue: { hdr.h.r = 0x33; }
        }
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
