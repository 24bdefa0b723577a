// Egress pushes a record with the port onto a stack that the parser filled.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

header count_t {
    bit<8> n;
}

header hop_t {
    bit<9> port;
    bit<7> pad;
}

struct local_metadata_t {
}

struct headers_t {
    count_t count;
    hop_t[3] hops;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.count);
        transition select(headers.count.n) {
            0: accept;
            1: one;
            2: two;
            3: three;
        }
    }
    state three {
        packet.extract(headers.hops.next);
        transition two;
    }
    state two {
        packet.extract(headers.hops.next);
        transition one;
    }
    state one {
        packet.extract(headers.hops.next);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply {
        std.egress_spec = std.ingress_port + 1;
    }
}

control EgressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    action record() {
        headers.hops.push_front(1);
        headers.hops[0].setValid();
        headers.hops[0].port = std.egress_port;
        headers.hops[0].pad = 0;
        headers.count.n = headers.count.n + 1;
    }
    apply {
        if (headers.count.n < 3) {
            record();
        }
    }
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
