// A stack is assigned as a whole; its size is a constant.

#include <core.p4>
#include <v1model.p4>

header sel_t {
    bit<8> i;
    bit<8> j;
}
header el_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    sel_t x;
    el_t[4] s;
    el_t[4] t;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.x);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
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
        hdr.s[2].setInvalid();
        hdr.t = hdr.s;
        hdr.t[hdr.x.i].v = 0xee;
        hdr.x.j = (bit<8>)hdr.s.size;
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
        packet.emit(hdr.x);
        packet.emit(hdr.s);
        packet.emit(hdr.t);
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
