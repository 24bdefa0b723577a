// Validity of a union's members as table keys.

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
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        transition select(pkt.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            default: accept;
        }
    }
    state is_a {
        pkt.extract(hdr.u.a);
        transition accept;
    }
    state is_b {
        pkt.extract(hdr.u.b);
        transition accept;
    }
}

control verifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control ingressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    action out_at(bit<9> port) { stdmeta.egress_spec = port; }
    table kind {
        key = {
            hdr.u.a.isValid() : exact @name("a_valid");
            hdr.u.b.isValid() : exact @name("b_valid");
        }
        actions = { out_at; NoAction; }
        const default_action = NoAction();
        const entries = {
            (true, false) : out_at(1);
            (false, true) : out_at(2);
            (false, false) : out_at(3);
        }
    }
    apply { kind.apply(); }
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
        pkt.emit(hdr.u);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
