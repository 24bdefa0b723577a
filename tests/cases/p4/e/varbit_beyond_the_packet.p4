// A varbit that runs past the end of the packet is error.PacketTooShort.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header len_t {
    bit<8> n;
}
header flag_t {
    bit<8> bad;
}
header opt_t {
    varbit<2040> data;
}

struct metadata_t {
}

struct headers_t {
    len_t l;
    flag_t f;
    opt_t o;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.l);
        transition rest;
    }
    state rest {
        pkt.extract(hdr.o, (bit<32>)(hdr.l.n ++ 3w0));
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
        hdr.f.setValid();
        if (stdmeta.parser_error == error.PacketTooShort)
        hdr.f.bad = 1;
        else
        hdr.f.bad = 0;
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
        pkt.emit(hdr);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
