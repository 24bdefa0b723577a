// A generic function over stacks of two element types.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header b_t {
    bit<8> v;
}

header w_t {
    bit<16> v;
}

void rotate<T>(inout T[3] s) {
    T t = s[0];
    s[0] = s[1];
    s[1] = s[2];
    s[2] = t;
}

struct metadata {
}

struct headers {
    b_t[3] b;
    w_t[3] w;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.b.next);
        packet.extract(hdr.b.next);
        packet.extract(hdr.w.next);
        transition accept;
    }
}

/*************** C H E C K S U M   V E R I F Y *****************/

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

/************************ I N G R E S S ************************/

control MyIngress(inout headers hdr,
                  inout metadata meta,
                  inout standard_metadata_t standard_metadata) {

    apply {
        rotate(hdr.b);
        rotate(hdr.w);
    }
}

/************************* E G R E S S *************************/

control MyEgress(inout headers hdr,
                 inout metadata meta,
                 inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.b);
        packet.emit(hdr.w);
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
