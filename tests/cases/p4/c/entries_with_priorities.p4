// Initial entries with priorities of their own: the larger number wins unless the table says otherwise.
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
    action set_c(bit<8> v) {
        headers.d.c = v;
    }
    action set_d(bit<8> v) {
        headers.d.d = v;
    }
    table big {
        key = { headers.d.a : ternary; }
        actions = { set_c; }
        entries = {
            const priority=10: 0x10 &&& 0xf0 : set_c(1);
            priority=20: 0x01 &&& 0x0f : set_c(2);
            priority=5: _ : set_c(3);
        }
        default_action = set_c(0xff);
    }
    table small {
        key = { headers.d.a : ternary; }
        actions = { set_d; }
        largest_priority_wins = false;
        entries = {
            const priority=10: 0x10 &&& 0xf0 : set_d(1);
            priority=20: 0x01 &&& 0x0f : set_d(2);
            priority=500: _ : set_d(3);
        }
        default_action = set_d(0xff);
    }
    apply {
        big.apply();
        small.apply();
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
