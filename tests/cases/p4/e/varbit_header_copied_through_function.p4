// A header with a varbit goes through a function's in and out parameters.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header opt_t {
    bit<8> n;
    bit<8> k;
    varbit<40> data;
}

struct metadata_t {
}

struct headers_t {
    opt_t o;
    opt_t copy;
}

void dup(in opt_t from, out opt_t to) {
    to = from;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.o, (bit<32>)(pkt.lookahead<bit<8>>()) * 8);
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
        dup(hdr.o, hdr.copy);
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
        pkt.emit(hdr.o);
        pkt.emit(hdr.copy);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
