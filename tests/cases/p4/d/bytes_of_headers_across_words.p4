// Long headers with fields at odd bit offsets, two of them back to back.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header long_t {
    bit<3>   a;
    bit<61>  b;
    bit<5>   c;
    bit<100> d;
    bit<7>   e;
}

struct local_metadata_t {
}

struct headers_t {
    long_t x;
    long_t y;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.x);
        packet.extract(headers.y);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply {
        bit<100> t = headers.x.d;
        headers.x.d = headers.y.d;
        headers.y.d = t;
        headers.x.a = headers.y.a;
        headers.y.e = headers.x.e + 1;
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
