// typedef of a header stack, of a tuple, of a struct with a stack.

#include <core.p4>
#include <v1model.p4>

header e_t {
    bit<8> v;
}
typedef e_t[3] trio_t;
typedef tuple<bit<8>, bit<8>> duo_t;
struct box_t {
    trio_t s;
}

struct metadata {
}

struct headers {
    box_t box;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.box.s.next);
        packet.extract(hdr.box.s.next);
        packet.extract(hdr.box.s.next);
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
        trio_t copy = hdr.box.s;
        duo_t d = { copy[0].v, copy[2].v };
        hdr.box.s[1].v = d[0] + d[1];
        hdr.box.s[0] = copy[2];
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
        packet.emit(hdr.box.s);
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
