// Nested inout calls through two controls: every level copies out when the innermost exits.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Leaf(inout bit<8> v) {
    apply {
        v = v + 1;
        if (v == 0x10) {
            exit;
        }
        v = v + 1;
    }
}

control Branch(inout bit<8> v, inout bit<8> w) {
    Leaf() leaf;
    apply {
        w = 0x77;
        leaf.apply(v);
        w = 0x88;
    }
}

struct local_metadata_t {
}

struct headers_t {
    data_t d;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.d);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    Branch() branch;
    apply {
        branch.apply(headers.d.a, headers.d.b);
        headers.d.c = 0xcc;
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
