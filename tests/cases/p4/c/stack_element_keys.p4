// Elements of a stack as keys, their validity too.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header b_t {
    bit<8> v;
}

struct local_metadata_t {
}

struct headers_t {
    b_t[2] s;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.s.next);
        transition select(headers.s.last.v) {
            0x80 &&& 0x80: more;
            default: accept;
        }
    }
    state more {
        packet.extract(headers.s.next);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    action put(bit<8> x) {
        headers.s[1].setValid();
        headers.s[1].v = x;
    }
    table t {
        key = {
            headers.s[0].v         : exact;
            headers.s[1].isValid() : exact;
        }
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
