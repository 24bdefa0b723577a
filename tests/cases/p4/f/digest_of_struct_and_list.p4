// Digests of a struct and of a list do not change the packet.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> i;
    bit<8> x;
}
struct learn_t {
    bit<8> i;
    bit<9> port;
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
    action learn() {
        learn_t data;
        data.i = hdr.h.i;
        data.port = stdmeta.ingress_port;
        digest<learn_t>(1, data);
    }
    apply {
        hdr.h.x = 0xdd;
        stdmeta.egress_spec = 1;
        if (hdr.h.i == 1) {
            learn();
        } else {
            digest(2, { hdr.h.i, hdr.h.x });
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
