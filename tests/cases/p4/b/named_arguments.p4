// Arguments by name, in any order, of functions, actions and controls.
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

bit<8> minus(in bit<8> from, in bit<8> amount) {
    return from - amount;
}

control Put(in bit<8> v, inout data_t d) {
    apply {
        d.d = v;
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
    Put() put;
    action set(bit<8> b, bit<8> c) {
        headers.d.b = b;
        headers.d.c = c;
    }
    apply {
        bit<8> r = minus(amount = 1, from = headers.d.a);
        set(c = r, b = minus(from = r, amount = 1));
        put.apply(d = headers.d, v = 0x0d);
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
