// A function may make a header and give it back.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
}

header w_t {
    bit<8> hi;
    bit<8> lo;
}

w_t make(in bit<8> v) {
    w_t r;
    if (v != 0) {
        r.setValid();
        r.hi = v;
        r.lo = ~v;
    } else {
        r.setInvalid();
    }
    return r;
}

struct local_metadata_t {
}

struct headers_t {
    k_t k;
    w_t w;
    w_t z;
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
        headers.w = make(headers.k.k);
        headers.z = make(headers.k.k - 1);
        if (headers.z.isValid()) {
            headers.z.lo = make(5).lo;
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
