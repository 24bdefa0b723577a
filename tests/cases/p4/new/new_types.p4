// type makes a type of its own: casts go through its base; as a key and as a parameter.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

type bit<8> Id_t;
typedef bit<8> Raw_t;
const Id_t FIRST = (Id_t)1;

header h_t {
    Id_t k;
    bit<8> x;
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
    action set_id(Id_t to) {
        hdr.h.k = to;
    }
    table t {
        key = { hdr.h.k : exact; }
        actions = { set_id; NoAction; }
        default_action = NoAction();
    }
    apply {
        if (hdr.h.k == FIRST) hdr.h.x = (Raw_t)hdr.h.k + 0x10;
        t.apply();
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
