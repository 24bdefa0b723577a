// push_front and pop_front by more than there is, then elements set anew.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
}

header b_t {
    bit<8> v;
}

struct local_metadata_t {
}

struct headers_t {
    op_t op;
    b_t[4] s;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.op);
        packet.extract(headers.s.next);
        packet.extract(headers.s.next);
        packet.extract(headers.s.next);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply {
        if (headers.op.op == 1) {
            headers.s.push_front(3);
            headers.s[1].setValid();
            headers.s[1].v = 0x11;
        } else if (headers.op.op == 2) {
            headers.s.pop_front(3);
            headers.s[0].setValid();
            headers.s[0].v = 0x22;
        } else if (headers.op.op == 3) {
            headers.s.push_front(2);
            headers.s.pop_front(1);
        } else if (headers.op.op == 4) {
            headers.s.pop_front(1);
            headers.s.pop_front(1);
            headers.s.push_front(3);
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
