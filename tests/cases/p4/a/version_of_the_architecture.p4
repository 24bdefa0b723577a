// Port types and the version constant of a newer v1model.
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

#if V1MODEL_VERSION >= 20200408
typedef PortId_t egress_t;
#else
typedef bit<9> egress_t;
#endif
const egress_t UPLINK = 0x1fe;

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
    apply {
        if (__v1model_version >= 20200408 && headers.d.a == 1) {
            std.egress_spec = UPLINK;
        } else {
            std.egress_spec = (egress_t)headers.d.a;
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
