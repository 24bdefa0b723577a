// One table with exact, lpm, ternary and range fields: priority decides.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<32> ip;
    bit<8>  t;
    bit<16> p;
    bit<8>  r;
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
    action set_r(bit<8> v) {
        headers.k.r = v;
    }
    table acl {
        key = {
            headers.k.a  : exact;
            headers.k.ip : ternary @name("ip");
            headers.k.t  : ternary;
            headers.k.p  : range;
        }
        actions = { set_r; NoAction; }
        const entries = {
            (1, 0x0a000000 &&& 0xff000000, 6 &&& 0xff, 80 .. 90) : set_r(1);
            (1, 0x0a000000 &&& 0xff000000, _, 0 .. 1023)         : set_r(2);
            (1, _, 17, _)                                        : set_r(3);
            (2, _, _, _)                                         : set_r(4);
        }
        default_action = NoAction();
    }
    apply {
        acl.apply();
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
