// Priorities of entries in parentheses, step of the table, entries without one.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#define BASE 100
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
    action set_d(bit<8> v) {
        headers.d.d = v;
    }
    table t {
        key = { headers.d.a : ternary; }
        actions = { set_d; }
        largest_priority_wins = true;
        entries = {
            const priority=(BASE + 1): 0x10 &&& 0xf0 : set_d(1);
            const priority=(BASE * 2): 0x11 &&& 0xff : set_d(2);
            const priority=1: _ : set_d(3);
        }
        default_action = set_d(0xff);
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
