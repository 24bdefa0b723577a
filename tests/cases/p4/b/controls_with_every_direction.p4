// in, out and inout structs and headers through two controls; in arguments stay.
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

struct acc_t {
    bit<8> sum;
    bit<8> n;
}

control Collect(in data_t d, inout acc_t acc, out bool full) {
    apply {
        acc.sum = acc.sum + d.a;
        acc.n = acc.n + 1;
        full = acc.n == 2;
    }
}

control Report(in acc_t acc, in bool full, out data_t d) {
    apply {
        d.setValid();
        d = { acc.sum, acc.n, full ? 8w1 : 8w0, 0xee };
    }
}

struct local_metadata_t {
}

struct headers_t {
    data_t one;
    data_t two;
    data_t sum;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.one);
        transition select(headers.one.b) {
            0: accept;
            default: second;
        }
    }
    state second {
        packet.extract(headers.two);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    Collect() collect;
    Report() report;
    apply {
        acc_t acc = { 0, 0 };
        bool  full;
        collect.apply(headers.one, acc, full);
        if (headers.two.isValid()) {
            collect.apply(headers.two, acc, full);
        }
        report.apply(acc, full, headers.sum);
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
