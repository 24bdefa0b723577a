// Action data of many widths arrive whole: 1, 9, 48 and 128 bits.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>   k;
    bit<1>   f;
    bit<15>  p;
    bit<48>  mac;
    bit<128> v6;
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
    action put(bit<1> f, bit<9> port, bit<48> mac, bit<128> v6) {
        headers.k.f = f;
        headers.k.p = (bit<15>)port;
        headers.k.mac = mac;
        headers.k.v6 = v6;
        std.egress_spec = port;
    }
    table t {
        key = { headers.k.k : exact; }
        actions = { put; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
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
