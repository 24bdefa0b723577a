// lookahead of a serializable enum, a bool, a signed number and a new type.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

enum bit<8> Kind {
    A = 1,
    B = 2
}

type bit<8> tag_t;

header k_t {
    bit<8> v;
}

header r_t {
    bit<8> v;
    bit<8> w;
}

struct local_metadata_t {
}

struct headers_t {
    r_t r;
    k_t k;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        Kind   kind = packet.lookahead<Kind>();
        bool   top = packet.lookahead<bool>();
        int<8> s = packet.lookahead<int<8>>();
        tag_t  tag = packet.lookahead<tag_t>();
        headers.r.setValid();
        headers.r.v = kind == Kind.B ? 8w0xbb : 8w0;
        headers.r.w = (bit<8>)tag;
        transition select(kind, top, s < -1) {
            (Kind.A, false, false): take;
            (_, true, true): turn;
            default: accept;
        }
    }
    state take {
        packet.extract(headers.k);
        headers.k.v = 0xaa;
        transition accept;
    }
    state turn {
        packet.extract(headers.k);
        headers.k.v = ~headers.k.v;
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply { }
}

control EgressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply { }
}

control NoUpdate(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control PacketDeparser(packet_out packet, in headers_t headers) {
    apply {
        packet.emit(headers);
    }
}

V1Switch(p = PacketParser(), vr = NoVerify(), ig = IngressImpl(), eg = EgressImpl(), ck = NoUpdate(),
         dep = PacketDeparser()) main;
