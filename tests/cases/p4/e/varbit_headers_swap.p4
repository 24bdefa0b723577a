// Assigning headers copies their varbits, lengths included: two are swapped through a third.

#include <core.p4>
#include <v1model.p4>

header lens_t {
    bit<8> a;
    bit<8> b;
}
header v_t {
    varbit<32> d;
}

struct metadata {
}

struct headers {
    lens_t l;
    v_t x;
    v_t y;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.l);
        packet.extract(hdr.x, (bit<32>)hdr.l.a * 8);
        packet.extract(hdr.y, (bit<32>)hdr.l.b * 8);
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
        v_t tmp;
        bit<8> n;
        tmp = hdr.x;
        hdr.x = hdr.y;
        hdr.y = tmp;
        n = hdr.l.a;
        hdr.l.a = hdr.l.b;
        hdr.l.b = n;
        standard_metadata.egress_spec = 4;
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
