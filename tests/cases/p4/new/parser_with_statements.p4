// Conditions, local variables, functions and blocks in parser states.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
header t_t {
    bit<8> v;
}

struct metadata_t {
    bit<8> n;
}

struct headers_t {
    h_t h;
    t_t[2] t;
}

bit<8> half(in bit<8> v) {
    return v >> 1;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    bit<8> left;
    state start {
        pkt.extract(hdr.h);
        left = half(hdr.h.k);
        {
            bit<8> one = 1;
            meta.n = left + one;
        }
        if (left > 2) {
            left = 2;
        }
        transition take;
    }
    state take {
        if (left == 0) {
            meta.n = meta.n + 0x10;
        }
        transition select(left) {
            0: accept;
            default: one;
        }
    }
    state one {
        pkt.extract(hdr.t.next);
        left = left - 1;
        transition take;
    }
}

control verifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control ingressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    apply {
        hdr.h.x = meta.n;
        if (hdr.t[1].isValid()) hdr.t[0].v = 0;
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
        pkt.emit(hdr.t);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
