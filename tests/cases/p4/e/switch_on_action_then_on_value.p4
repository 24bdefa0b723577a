// A switch over the action that ran, and in one of its arms one over a value.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> r;
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
    action a() { }
    action b() { }
    action c() { }
    table t {
        key = { hdr.h.k : exact; }
        actions = { a; b; c; }
        default_action = c();
    }
    apply {
        stdmeta.egress_spec = 1;
        switch (t.apply().action_run) {
            a: {
                switch (hdr.h.r) {
                    5: { hdr.h.r = 0xa5; }
                    default: { hdr.h.r = 0xa0; }
                }
            }
            b: { hdr.h.r = 0xb0; }
            default: { hdr.h.r = 0xc0; }
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
        pkt.emit(hdr);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
