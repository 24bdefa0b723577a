// An lpm field beside exact ones: a VRF and a prefix.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header ip_t {
    bit<16> vrf;
    bit<32> dst;
    bit<8>  nh;
}

struct local_metadata_t {
}

struct headers_t {
    ip_t ip;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.ip);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    action route(bit<8> nh) {
        headers.ip.nh = nh;
    }
    table routes {
        key = {
            headers.ip.dst : lpm;
            headers.ip.vrf : exact;
        }
        actions = { route; NoAction; }
        const default_action = NoAction();
    }
    apply {
        routes.apply();
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
