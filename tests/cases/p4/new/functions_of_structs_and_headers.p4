// Functions that take and return structs and headers.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
struct pair_t {
    bit<8> a;
    bit<8> b;
}

struct metadata {
}

struct headers {
    h_t h;
    h_t g;
}

pair_t swapped(in pair_t p) {
    return { p.b, p.a };
}
h_t made(in bit<8> k) {
    h_t r;
    r.setValid();
    r.k = k;
    r.x = ~k;
    return r;
}
h_t none() {
    h_t r;
    r.setInvalid();
    return r;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        pair_t p = swapped({ hdr.h.k, hdr.h.x });
        if (p.a == 9) {
            hdr.g = made(p.b);
        } else if (p.a == 8) {
            hdr.h = none();
        }
        standard_metadata.egress_spec = 1;
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
