// A loop in the parser bounded by a field; advance() skips bytes; a length beyond the packet is PacketTooShort.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct metadata_t {
    bit<8> left;
}

struct headers_t {
    n_t n;
    e_t e;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.n);
        meta.left = hdr.n.n;
        transition skip;
    }
    state skip {
        transition select(meta.left) {
            0: last;
            1 .. 255: one;
        }
    }
    state one {
        meta.left = meta.left - 1;
        pkt.advance(8);
        transition skip;
    }
    state last {
        pkt.extract(hdr.e);
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
        if (stdmeta.parser_error == error.PacketTooShort) stdmeta.egress_spec = 2;
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
        pkt.emit(hdr.n);
        pkt.emit(hdr.e);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
