// Enums over bit<4> and bit<16> as header fields: compared, assigned, cast; unknown values pass through.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

enum bit<4> Prio {
    LOW = 0,
    MID = 5,
    HIGH = 15
}

enum bit<16> EtherKind {
    IPV4 = 0x0800,
    ARP = 0x0806,
    VLAN = 0x8100
}

header k_t {
    Prio      p;
    bit<4>    q;
    EtherKind e;
    bit<8>    r;
}

struct local_metadata_t {
}

struct headers_t {
    k_t k;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.k);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply {
        headers.k.r = 0;
        if (headers.k.e == EtherKind.ARP) {
            headers.k.p = Prio.HIGH;
            headers.k.r = 1;
        } else if (headers.k.p == Prio.MID) {
            headers.k.e = EtherKind.VLAN;
            headers.k.q = (bit<4>)headers.k.p;
        } else if (headers.k.p != Prio.LOW) {
            headers.k.p = (Prio)headers.k.q;
            headers.k.r = (bit<8>)(bit<4>)Prio.HIGH;
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
