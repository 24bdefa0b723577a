// Assigning a valid header to a member makes it the union's one; the members before it go.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header a_t {
    bit<8> tag;
    bit<8> v;
}
header b_t {
    bit<8> tag;
    bit<16> v;
}
header_union u_t {
    a_t a;
    b_t b;
}

struct metadata_t {
}

struct headers_t {
    u_t u;
    a_t spare;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.u.b);
        pkt.extract(hdr.spare);
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
        if (hdr.spare.tag == 1) {
            hdr.u.a = hdr.spare;
            hdr.spare.setInvalid();
        }
        if (hdr.u.b.isValid()) stdmeta.egress_spec = 2;
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
