// Two registers that together hold a flow's state; timestamps differ by what goes by.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct metadata {
}

struct headers {
    h_t h;
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
    register<bit<48>>(4) times;
    register<bit<8>>(4) counts;
    apply {
        bit<48> t;
        bit<8> c;
        bit<32> i = (bit<32>)hdr.h.k;
        times.read(t, i);
        counts.read(c, i);
        if (c == 0 || standard_metadata.ingress_global_timestamp - t < 1000000) {
            c = c + 1;
        } else {
            c = 1;
        }
        times.write(i, standard_metadata.ingress_global_timestamp);
        counts.write(i, c);
        hdr.h.x = c;
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
        packet.emit(hdr.h);
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
