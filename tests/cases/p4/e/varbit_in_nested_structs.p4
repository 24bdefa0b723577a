// Headers with varbits, stacks and unions inside of structs, emitted with one call.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header a_t {
    bit<8> n;
    varbit<32> v;
}
header b_t {
    bit<8> b;
}
header_union u_t {
    a_t a;
    b_t b;
}
struct inner_t {
    a_t a;
    b_t[2] s;
}
struct outer_t {
    b_t first;
    inner_t in_;
    u_t u;
}

struct metadata {
}

struct headers {
    outer_t o;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.o.first);
        packet.extract(hdr.o.in_.a, (bit<32>)packet.lookahead<bit<8>>() << 3);
        packet.extract(hdr.o.in_.s.next);
        packet.extract(hdr.o.in_.s.next);
        transition select(hdr.o.first.b) {
            1: ua;
            2: ub;
            default: accept;
        }
    }
    state ua { packet.extract(hdr.o.u.a, 8); transition accept; }
    state ub { packet.extract(hdr.o.u.b); transition accept; }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        hdr.o.in_.s[1].b = hdr.o.in_.a.n;
        if (hdr.o.u.b.isValid()) hdr.o.u.b.b = 0xbb;
        standard_metadata.egress_spec = 1;
    }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
