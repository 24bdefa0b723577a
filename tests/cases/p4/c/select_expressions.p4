// select over concatenations, comparisons and conditional expressions.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<8>  r;
}

struct local_metadata_t {
    bit<8> way;
}

struct headers_t {
    k_t k;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.k);
        transition select(headers.k.a ++ headers.k.b, headers.k.c > 0x100, headers.k.a == 0 ? 8w1 : 8w2) {
            (0x0001, true, 1): s1;
            (0x0100 &&& 0xff00, false, 2): s2;
            (_, true, 2): s3;
            default: accept;
        }
    }
    state s1 {
        local_metadata.way = 1;
        transition accept;
    }
    state s2 {
        local_metadata.way = 2;
        transition accept;
    }
    state s3 {
        local_metadata.way = 3;
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply {
        headers.k.r = local_metadata.way;
        if (std.parser_error == error.NoMatch) {
            headers.k.r = 0xee;
        }
    }
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
